//! The command on its way to the keeper: one message, four bytes of length
//! (big endian) that carry the three standard descriptors and those of
//! [`Handed`], and then fields that each end in a zero byte, the one byte that
//! no argument can hold.

use std::ffi::{OsStr, OsString};
use std::io::{self, IoSlice, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use crate::handed::{Handed, MOST_KEPT};
use crate::spec::{Resource, Session, Spec};

/// Standard input, output and error.
const STANDARD: usize = 3;
/// With the program, the folder and those that are kept.
const MOST: usize = STANDARD + 2 + MOST_KEPT;

/// More than the kernel takes for arguments and environment together.
const LONGEST: usize = 16 << 20;

/// What the keeper needs to know.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) argv: Vec<OsString>,
    pub(crate) environment: Vec<(OsString, OsString)>,
    pub(crate) folder: Option<PathBuf>,
    /// The program comes as a descriptor.
    pub(crate) program: bool,
    /// The folder comes as a descriptor.
    pub(crate) place: bool,
    pub(crate) session: Session,
    pub(crate) cgroup: bool,
    pub(crate) linger: Duration,
    pub(crate) resources: Vec<(Resource, u64)>,
}

impl Letter {
    /// The fields of a command that passed [`Spec::check`].
    pub(crate) fn write(spec: &Spec) -> Vec<u8> {
        let mut body = Vec::new();
        let mut field = |parts: &[&OsStr]| {
            parts.iter().for_each(|part| body.extend(part.as_bytes()));
            body.push(0);
        };
        let number = |number: u64| OsString::from(number.to_string());
        let count = |number: usize| OsString::from(number.to_string());
        field(&[OsStr::new(match spec.session {
            Session::New => "new",
            Session::Caller => "caller",
        })]);
        field(&[OsStr::new(if spec.cgroup { "cgroup" } else { "walk" })]);
        let handed = &spec.handed;
        field(&[OsStr::new(flag(handed.program.is_some()))]);
        field(&[OsStr::new(flag(handed.folder.is_some()))]);
        let linger = u64::try_from(spec.limits.linger.as_millis()).unwrap_or(u64::MAX);
        field(&[&number(linger)]);
        field(&[spec
            .folder
            .as_ref()
            .map_or(OsStr::new(""), |f| f.as_os_str())]);
        field(&[&count(spec.limits.resources.len())]);
        for (resource, limit) in &spec.limits.resources {
            field(&[OsStr::new(resource.word())]);
            field(&[&number(*limit)]);
        }
        field(&[&count(spec.argv.len())]);
        spec.argv.iter().for_each(|argument| field(&[argument]));
        field(&[&count(spec.environment.len())]);
        for (name, value) in &spec.environment {
            field(&[name, OsStr::new("="), value]);
        }
        body
    }

    /// `None` where the fields are not those of [`Letter::write`].
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let mut fields = Fields {
            rest: body.strip_suffix(&[0])?,
            is_over: false,
        };
        let session = match fields.text()? {
            "new" => Session::New,
            "caller" => Session::Caller,
            _ => return None,
        };
        let cgroup = match fields.text()? {
            "cgroup" => true,
            "walk" => false,
            _ => return None,
        };
        let program = fields.flag()?;
        let place = fields.flag()?;
        let linger = Duration::from_millis(fields.number()?);
        let folder = fields.word()?;
        let resources = fields.list(|fields| {
            let word = fields.text()?;
            let resource = Resource::ALL.into_iter().find(|r| r.word() == word)?;
            Some((resource, fields.number()?))
        })?;
        let argv = fields.list(Fields::word)?;
        let environment = fields.list(Fields::pair)?;
        (!argv.is_empty() && fields.is_over).then(|| Self {
            argv,
            environment,
            folder: (!folder.is_empty()).then(|| PathBuf::from(folder)),
            program,
            place,
            session,
            cgroup,
            linger,
            resources,
        })
    }
}

const fn flag(handed: bool) -> &'static str {
    if handed { "handed" } else { "named" }
}

/// The fields of a letter, one after the other.
struct Fields<'a> {
    rest: &'a [u8],
    is_over: bool,
}

impl<'a> Fields<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        if self.is_over {
            return None;
        }
        let end = self.rest.iter().position(|byte| *byte == 0);
        self.is_over = end.is_none();
        let (field, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest.get(1..).unwrap_or_default();
        Some(field)
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.next()?).ok()
    }

    fn flag(&mut self) -> Option<bool> {
        match self.text()? {
            "handed" => Some(true),
            "named" => Some(false),
            _ => None,
        }
    }

    fn number<N: FromStr>(&mut self) -> Option<N> {
        self.text()?.parse().ok()
    }

    fn word(&mut self) -> Option<OsString> {
        Some(OsString::from_vec(self.next()?.to_vec()))
    }

    fn pair(&mut self) -> Option<(OsString, OsString)> {
        let field = self.next()?;
        let at = field.iter().position(|byte| *byte == b'=')?;
        let word = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        Some((word(field.get(..at)?), word(field.get(at + 1..)?)))
    }

    /// A count, and that many of `each`. A count that is too large ends with
    /// the fields.
    fn list<T>(&mut self, mut each: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count: usize = self.number()?;
        (0..count).map(|_| each(self)).collect()
    }
}

/// Sends the length and the descriptors; the body follows as plain bytes.
///
/// # Errors
/// A body longer than any command, or what the kernel says.
pub(crate) fn send_head(
    socket: &UnixStream,
    body: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let length = u32::try_from(body.len()).ok();
    let fits = body.len() <= LONGEST && descriptors.len() <= MOST;
    let Some(length) = length.filter(|_| fits) else {
        // What the kernel says of arguments that are too long.
        return Err(io::ErrorKind::ArgumentListTooLong.into());
    };
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(descriptors));
    let head = length.to_be_bytes();
    sendmsg(
        socket,
        &[IoSlice::new(&head)],
        &mut ancillary,
        SendFlags::NOSIGNAL,
    )?;
    Ok(())
}

/// What came with a letter: the standard descriptors, and the others.
pub(crate) type Came = ([OwnedFd; STANDARD], Handed);

/// Waits for a letter. `None` where the holder went away without one.
///
/// # Errors
/// What the kernel says, or a letter that is none of ours.
pub(crate) fn receive(socket: &mut UnixStream) -> io::Result<Option<(Letter, Came)>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut head = [0; 4];
    let got = recvmsg(
        socket.as_fd(),
        &mut [IoSliceMut::new(&mut head)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC | RecvFlags::WAITALL,
    )?;
    if got.bytes == 0 {
        return Ok(None);
    }
    let mut descriptors = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            descriptors.extend(rights);
        }
    }
    let length = usize::try_from(u32::from_be_bytes(head)).unwrap_or(usize::MAX);
    if got.bytes < head.len() || length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = vec![0; length];
    socket.read_exact(&mut body)?;
    let came = Letter::read(&body).and_then(|letter| {
        let sorted = sort(&letter, descriptors)?;
        Some((letter, sorted))
    });
    came.map(Some).ok_or(io::ErrorKind::InvalidData.into())
}

/// In the order in which the holder sends them.
fn sort(letter: &Letter, descriptors: Vec<OwnedFd>) -> Option<Came> {
    let mut rest = descriptors.into_iter();
    let standard = [rest.next()?, rest.next()?, rest.next()?];
    let program = match letter.program {
        true => Some(rest.next()?),
        false => None,
    };
    let folder = match letter.place {
        true => Some(rest.next()?),
        false => None,
    };
    let kept = rest.collect();
    let handed = Handed {
        program,
        folder,
        kept,
    };
    Some((standard, handed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    fn word() -> impl Strategy<Value = OsString> {
        prop::collection::vec(1u8..=255, 0..12).prop_map(OsString::from_vec)
    }

    fn name() -> impl Strategy<Value = OsString> {
        "[A-Z_]{1,8}".prop_map(OsString::from)
    }

    proptest! {
        #[test]
        fn a_letter_reads_back_whatever_the_bytes(
            argv in prop::collection::vec(word(), 1..6),
            environment in prop::collection::vec((name(), word()), 0..6),
            folder in prop::option::of("/[a-z/]{0,8}"),
            limit in any::<u64>(),
            caller in any::<bool>(),
        ) {
            let mut spec = Spec::new(argv.clone());
            spec.environment = environment.clone();
            spec.folder = folder.clone().map(PathBuf::from);
            spec.limits.resources = vec![(Resource::FileBytes, limit)];
            spec.session = if caller { Session::Caller } else { Session::New };
            let letter = Letter::read(&Letter::write(&spec)).unwrap();
            prop_assert_eq!(letter, Letter {
                argv,
                environment,
                folder: folder.map(PathBuf::from),
                session: spec.session,
                program: false,
                place: false,
                cgroup: true,
                linger: spec.limits.linger,
                resources: spec.limits.resources,
            });
        }

        #[test]
        fn foreign_bytes_are_no_letter_and_no_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Letter::read(&body).is_none());
        }

        #[test]
        fn a_letter_that_was_cut_is_none(at in 0usize..60) {
            let mut spec = Spec::new(["sh", "-c", "true"]);
            spec.environment.push(("PATH".into(), "/bin".into()));
            let body = Letter::write(&spec);
            let cut = body.get(..at.min(body.len() - 1)).unwrap();
            prop_assert!(Letter::read(cut).is_none());
        }
    }

    #[test]
    fn descriptors_come_with_the_letter() {
        let (here, mut there) = UnixStream::pair().unwrap();
        let (mut reader, writer) = io::pipe().unwrap();
        let null = std::fs::File::open("/dev/null").unwrap();
        let body = Letter::write(&Spec::new(["true"]));
        send_head(&here, &body, &[null.as_fd(), writer.as_fd(), null.as_fd()]).unwrap();
        (&here).write_all(&body).unwrap();
        drop(writer);
        let (letter, ([_, out, _], handed)) = receive(&mut there).unwrap().unwrap();
        assert_eq!(letter.argv, ["true"]);
        assert!(handed.program.is_none() && handed.kept.is_empty());
        std::fs::File::from(out).write_all(b"through").unwrap();
        let mut read = String::new();
        reader.read_to_string(&mut read).unwrap();
        assert_eq!(read, "through");
        drop(here);
        assert!(receive(&mut there).unwrap().is_none());
    }
}
