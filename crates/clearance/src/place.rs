//! Where a file that a command needs stands, and where none may come to stand
//! before it: whoever runs the command looks there first.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tollgate_command::{Need, Role};

use crate::survey::Site;

/// Where programs are looked for when nothing else is said.
pub(crate) const USUAL: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Most folders above one that are looked into.
const MOST_ABOVE: usize = 32;

/// A needed file, found or not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Where it stands, or would.
    pub(crate) file: PathBuf,
    /// Places that are looked at before it, all of them empty now.
    pub(crate) before: Vec<PathBuf>,
    /// Files of its name earlier in `PATH` that lack nothing but the right to
    /// be executed.
    pub(crate) passed_over: Vec<PathBuf>,
}

impl Place {
    /// `None` where only running the command would tell, and for a program
    /// that is nowhere.
    pub(crate) fn of(need: &Need, site: &Site<'_>) -> Option<Self> {
        if need.role == Role::Binary && !need.file.contains('/') {
            return Self::in_path(&need.file, site.search.unwrap_or(USUAL));
        }
        if let Some(rest) = need.file.strip_prefix("~/") {
            return Some(Self::at(site.home?.join(rest)));
        }
        if need.file.starts_with('/') {
            return Some(Self::at(PathBuf::from(&need.file)));
        }
        let folder = site.folder.join(need.folder.as_deref()?);
        let here = Self::at(plain(&folder.join(&need.file)));
        if !need.upward || here.file.exists() {
            return Some(here);
        }
        Some(here.or_above(&folder, &need.file))
    }

    const fn at(file: PathBuf) -> Self {
        Self {
            file,
            before: Vec::new(),
            passed_over: Vec::new(),
        }
    }

    /// The nearest one above. Where there is none at all, each of the places is
    /// one to watch.
    fn or_above(mut self, folder: &Path, name: &str) -> Self {
        let folder = plain(folder);
        let above = folder.ancestors().skip(1).take(MOST_ABOVE);
        let mut nearer = vec![self.file.clone()];
        for file in above.map(|folder| folder.join(name)) {
            if file.exists() {
                self.file = file;
                self.before = nearer;
                return self;
            }
            nearer.push(file);
        }
        self.before = nearer.split_off(1);
        self
    }

    fn in_path(name: &str, folders: &str) -> Option<Self> {
        let (mut before, mut passed_over) = (Vec::new(), Vec::new());
        for file in candidates(name, folders) {
            match std::fs::metadata(&file) {
                Ok(about) if is_program(&about) => {
                    return Some(Self {
                        file,
                        before,
                        passed_over,
                    });
                }
                Ok(_) => passed_over.push(file),
                Err(_) => before.push(file),
            }
        }
        None
    }
}

/// The first plain file of that name that may be executed.
pub(crate) fn in_folders(name: &str, folders: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return name.starts_with('/').then(|| PathBuf::from(name));
    }
    candidates(name, folders)
        .find(|file| std::fs::metadata(file).is_ok_and(|about| is_program(&about)))
}

/// Relative folders are passed over: they mean another one with each `cd`.
fn candidates(name: &str, folders: &str) -> impl Iterator<Item = PathBuf> {
    let folders = match name.is_empty() {
        true => "",
        false => folders,
    };
    let folders = folders.split(':').filter(|folder| folder.starts_with('/'));
    folders.map(move |folder| Path::new(folder).join(name))
}

fn is_program(about: &Metadata) -> bool {
    about.is_file() && about.mode() & 0o111 != 0
}

/// Whether this user could make a file there: by the nearest folder above that
/// exists, since folders can be made too.
pub(crate) fn could_appear(path: &Path, uid: u32) -> bool {
    let mut folders = path.ancestors().skip(1);
    let nearest = folders.find_map(|folder| std::fs::metadata(folder).ok());
    nearest.is_none_or(|folder| is_changeable(&folder, uid))
}

/// Whether this user may write to it, or give itself the right.
pub(crate) fn is_changeable(about: &Metadata, uid: u32) -> bool {
    uid == 0 || about.uid() == uid || about.mode() & 0o022 != 0
}

/// Without the `.` in the middle, so that one file has one name here.
fn plain(path: &Path) -> PathBuf {
    path.components().collect()
}

/// Paths as a card shows them: those of one name together.
pub(crate) fn together<'p>(paths: impl Iterator<Item = &'p Path>) -> Vec<String> {
    let mut names: Vec<(String, Vec<String>)> = Vec::new();
    for path in paths {
        let shown = |part: &std::ffi::OsStr| tollgate_approvals::visible(&part.to_string_lossy());
        let name = path.file_name().map(shown).unwrap_or_default();
        let folder = path.parent().map(|folder| shown(folder.as_os_str()));
        let folder = folder.unwrap_or_default();
        match names.iter_mut().find(|(known, _)| *known == name) {
            Some((_, folders)) => folders.push(folder),
            None => names.push((name, vec![folder])),
        }
    }
    let shown = names.into_iter();
    shown
        .map(|(name, folders)| format!("{name} in {}", folders.join(", ")))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn need(role: Role, file: &str, upward: bool) -> Need {
        Need {
            step: 0,
            role,
            file: file.to_owned(),
            folder: Some(String::new()),
            upward,
        }
    }

    fn site<'s>(folder: &'s Path, search: Option<&'s str>) -> Site<'s> {
        Site {
            folder,
            search,
            home: None,
            uid: 0,
            in_image: false,
        }
    }

    #[test]
    fn every_nearer_place_of_a_file_above_is_one_to_watch() {
        let top = tempfile::tempdir().unwrap();
        let deep = top.path().join("a/b");
        std::fs::create_dir_all(&deep).unwrap();
        let need = need(Role::PackageScript, "package.json", true);
        std::fs::write(top.path().join("package.json"), "{}").unwrap();
        let found = Place::of(&need, &site(&deep, None)).unwrap();
        assert_eq!(found.file, top.path().join("package.json"));
        let nearer = [deep.join("package.json"), top.path().join("a/package.json")];
        assert_eq!(found.before, nearer);
        std::fs::write(deep.join("package.json"), "{}").unwrap();
        let found = Place::of(&need, &site(&deep, None)).unwrap();
        assert_eq!(found, Place::at(deep.join("package.json")));
    }

    #[test]
    fn a_file_that_is_nowhere_is_watched_for_everywhere() {
        let top = tempfile::tempdir().unwrap();
        let name = "no-such-file-of-settings";
        let found = Place::of(&need(Role::Config, name, true), &site(top.path(), None)).unwrap();
        assert_eq!(found.file, top.path().join(name));
        let above: Vec<PathBuf> = top
            .path()
            .ancestors()
            .skip(1)
            .map(|it| it.join(name))
            .collect();
        assert_eq!(found.before, above);
    }

    #[test]
    fn folders_before_the_one_with_the_program_are_watched() {
        let top = tempfile::tempdir().unwrap();
        let folder = |name: &str| {
            let folder = top.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            folder
        };
        let (front, dull, back) = (folder("front"), folder("dull"), folder("back"));
        for (folder, mode) in [(&dull, 0o644), (&back, 0o755)] {
            std::fs::write(folder.join("tool"), "").unwrap();
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(folder.join("tool"), mode).unwrap();
        }
        let search = [&front, &dull, &back]
            .map(|it| it.to_str().unwrap())
            .join(":");
        let need = need(Role::Binary, "tool", false);
        let found = Place::of(&need, &site(top.path(), Some(&search))).unwrap();
        assert_eq!(found.file, back.join("tool"));
        assert_eq!(found.before, [front.join("tool")]);
        assert_eq!(found.passed_over, [dull.join("tool")]);
        assert_eq!(in_folders("tool", &search), Some(back.join("tool")));
        assert_eq!(in_folders("", &search), None);
    }

    #[test]
    fn places_of_one_name_are_shown_together() {
        let paths = ["/a/make", "/b/make", "/w/GNUmakefile"].map(Path::new);
        assert_eq!(
            together(paths.into_iter()),
            ["make in /a, /b", "GNUmakefile in /w"]
        );
    }
}
