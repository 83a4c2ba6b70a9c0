use std::path::Path;

use anyhow::Context;
use cargo_metadata::{DependencyKind, MetadataCommand};

/// What the rules look at.
pub(crate) struct Workspace {
    pub(crate) crates: Vec<Crate>,
    pub(crate) files: Vec<SourceFile>,
}

/// One member of the workspace.
#[derive(Default)]
pub(crate) struct Crate {
    /// `llm` for package `tollgate-llm`.
    pub(crate) name: String,
    pub(crate) description: String,
    /// Path of its `Cargo.toml`, from the workspace's root.
    pub(crate) manifest: String,
    /// Text of its `Cargo.toml`.
    pub(crate) text: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A direct dependency.
pub(crate) struct Dependency {
    /// Its package.
    pub(crate) package: String,
    /// The name that the manifest gives it.
    pub(crate) key: String,
    pub(crate) is_dev: bool,
}

/// One file of Rust.
pub(crate) struct SourceFile {
    /// From the workspace's root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The workspace that cargo finds from here.
pub(crate) fn read() -> anyhow::Result<Workspace> {
    let metadata = MetadataCommand::new().no_deps().exec()?;
    let root = metadata.workspace_root.as_std_path();
    let mut crates = Vec::new();
    for package in &metadata.packages {
        crates.push(member(package, root)?);
    }
    crates.sort_by(|a, b| a.name.cmp(&b.name));
    let mut files = Vec::new();
    for folder in ["crates", "xtask", "fuzz"] {
        walk(&root.join(folder), root, &mut files)?;
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Workspace { crates, files })
}

fn member(package: &cargo_metadata::Package, root: &Path) -> anyhow::Result<Crate> {
    let manifest = package.manifest_path.as_std_path();
    let dependency = |found: &cargo_metadata::Dependency| Dependency {
        package: found.name.clone(),
        key: found.rename.clone().unwrap_or_else(|| found.name.clone()),
        is_dev: found.kind == DependencyKind::Development,
    };
    Ok(Crate {
        name: short(&package.name).to_owned(),
        description: package.description.clone().unwrap_or_default(),
        manifest: relative(manifest, root),
        text: text(manifest)?,
        dependencies: package.dependencies.iter().map(dependency).collect(),
    })
}

/// `llm` for `tollgate-llm`; any other name as it is.
pub(crate) fn short(package: &str) -> &str {
    package.strip_prefix("tollgate-").unwrap_or(package)
}

fn walk(folder: &Path, root: &Path, files: &mut Vec<SourceFile>) -> anyhow::Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in folder
        .read_dir()
        .with_context(|| folder.display().to_string())?
    {
        let entry = entry?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let kind = entry.file_type()?;
        if kind.is_dir() && name != "target" && !name.starts_with('.') {
            walk(&path, root, files)?;
        } else if kind.is_file() && name.ends_with(".rs") {
            files.push(SourceFile {
                path: relative(&path, root),
                text: text(&path)?,
            });
        }
    }
    Ok(())
}

fn text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| path.display().to_string())
}

fn relative(path: &Path, root: &Path) -> String {
    let inside = path.strip_prefix(root).unwrap_or(path);
    inside.to_string_lossy().replace('\\', "/")
}
