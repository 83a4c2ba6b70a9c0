//! What holds where a mount namespace is got round: Landlock and seccomp, in
//! the process that becomes the command.

use std::collections::BTreeMap;
use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr,
    path_beneath_rules,
};
use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

/// Writing, linking between folders, truncating; what a kernel has beyond that
/// is not needed for a file system that is mounted for reading anyway.
const RIGHTS: ABI = ABI::V3;

/// Doors that no build or test needs: into the kernel, other processes, other
/// namespaces, and past filters of system calls.
const CLOSED: [libc::c_long; 39] = [
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
];

/// Which of the two there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backstop {
    /// Files, by Landlock.
    pub landlock: bool,
    /// System calls, by seccomp.
    pub seccomp: bool,
}

/// Why one of them could not be put up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackstopError {
    #[error("Landlock: {0}")]
    Landlock(#[from] landlock::RulesetError),
    #[error("seccomp: {0}")]
    Seccomp(#[from] seccompiler::Error),
    #[error("seccomp: {0}")]
    Filter(#[from] seccompiler::BackendError),
}

impl Backstop {
    /// What this kernel has.
    pub fn of_this_kernel() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self {
            landlock: ruleset().and_then(Ruleset::create).is_ok(),
            seccomp: status.lines().any(|line| line.starts_with("Seccomp:")),
        }
    }

    /// What is missing, in words for a person.
    pub fn lacks(self) -> Vec<&'static str> {
        let parts = [(self.landlock, "landlock"), (self.seccomp, "seccomp")];
        let missing = parts.into_iter().filter(|(is_there, _)| !is_there);
        missing.map(|(_, name)| name).collect()
    }

    /// Binds this process, which must have one thread, and what it becomes.
    /// There are no half measures: what was there a moment ago must hold.
    pub(crate) fn put_up(self, writable: &[PathBuf]) -> Result<(), BackstopError> {
        if self.landlock {
            let all = AccessFs::from_all(RIGHTS);
            let read = AccessFs::from_read(RIGHTS);
            ruleset()?
                .create()?
                .add_rules(path_beneath_rules(["/"], read))?
                .add_rules(path_beneath_rules(writable, all))?
                .restrict_self()?;
        }
        if self.seccomp {
            seccompiler::apply_filter(&filter()?)?;
            seccompiler::apply_filter(&no_clone3()?)?;
        }
        Ok(())
    }
}

fn ruleset() -> Result<Ruleset, landlock::RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(RIGHTS))
}

fn filter() -> Result<BpfProgram, BackstopError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        CLOSED.into_iter().map(|call| (call, Vec::new())).collect();
    // Characters typed into the terminal in the place of the person at it.
    let typing = [libc::TIOCSTI, libc::TIOCLINUX].map(|request| when(1, SeccompCmpOp::Eq, request));
    rules.insert(
        libc::SYS_ioctl,
        typing.into_iter().collect::<Result<_, _>>()?,
    );
    let namespace = u64::try_from(libc::CLONE_NEWUSER).unwrap_or_default();
    let user = when(0, SeccompCmpOp::MaskedEq(namespace), namespace)?;
    rules.insert(libc::SYS_clone, vec![user]);
    program(rules, libc::EPERM)
}

/// Its flags are in memory, where no filter sees them; whoever is told that
/// there is no such call uses `clone`.
fn no_clone3() -> Result<BpfProgram, BackstopError> {
    program([(libc::SYS_clone3, Vec::new())].into(), libc::ENOSYS)
}

fn when(
    argument: u8,
    is: SeccompCmpOp,
    value: impl Into<u64>,
) -> Result<SeccompRule, seccompiler::BackendError> {
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, is, value.into())?;
    SeccompRule::new(vec![condition])
}

fn program(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    errno: i32,
) -> Result<BpfProgram, BackstopError> {
    let refused = SeccompAction::Errno(errno.unsigned_abs());
    let machine = std::env::consts::ARCH.try_into()?;
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refused, machine)?;
    Ok(filter.try_into()?)
}
