//! The system calls that no guest may make.
//!
//! A guest's root has capabilities over its own namespaces only. The calls here lead to the
//! kernel as a whole or have a history of holes; none is needed by what people run on servers.
//! The program is a list of equal jumps, written out: a compiler for filters would neither
//! refuse the second x86 call table nor ask for notifications.

use libc::{BPF_ABS, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, sock_filter};

#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

/// Numbers from here on are x32's, the second way to every call on x86-64.
const X32: u32 = 0x4000_0000;

const REFUSED: &[libc::c_long] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_init_module,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_open_by_handle_at,
    libc::SYS_perf_event_open,
    libc::SYS_quotactl,
    libc::SYS_request_key,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_userfaultfd,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
];

/// Programs try these and do without when the kernel does not know them.
///
/// `fsopen` is the other way to mount, whose steps could not be held as one.
const UNKNOWN: &[libc::c_long] = &[
    libc::SYS_fsopen,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
];

/// The program, for the kernel's `seccomp` call.
pub fn program() -> Vec<sock_filter> {
    let mut program = vec![
        load(4),
        jump(BPF_JEQ, ARCHITECTURE, 1, 0),
        answer(libc::SECCOMP_RET_KILL_PROCESS),
        load(0),
        jump(BPF_JGE, X32, 0, 1),
        answer(errno(libc::ENOSYS)),
    ];
    for (calls, error) in [(REFUSED, libc::EPERM), (UNKNOWN, libc::ENOSYS)] {
        for call in calls.iter().filter_map(|call| u32::try_from(*call).ok()) {
            program.push(jump(BPF_JEQ, call, 0, 1));
            program.push(answer(errno(error)));
        }
    }
    if let Ok(call) = u32::try_from(libc::SYS_mount) {
        program.push(jump(BPF_JEQ, call, 0, 1));
        program.push(answer(libc::SECCOMP_RET_USER_NOTIF));
    }
    program.push(answer(libc::SECCOMP_RET_ALLOW));
    program
}

fn errno(error: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | error.cast_unsigned()
}

/// Of `seccomp_data`: the call's number is at 0, the architecture at 4.
fn load(offset: u32) -> sock_filter {
    statement(BPF_LD | BPF_W | BPF_ABS, 0, 0, offset)
}

fn jump(condition: u32, value: u32, then: u8, or_else: u8) -> sock_filter {
    statement(BPF_JMP | condition | BPF_K, then, or_else, value)
}

fn answer(value: u32) -> sock_filter {
    statement(BPF_RET | BPF_K, 0, 0, value)
}

fn statement(code: u32, jt: u8, jf: u8, k: u32) -> sock_filter {
    let code = u16::try_from(code).expect("codes of statements have 16 bits");
    sock_filter { code, jt, jf, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the program as the kernel does.
    fn verdict(architecture: u32, call: u32) -> u32 {
        let program = program();
        let (mut at, mut loaded) = (0, 0);
        loop {
            let line = program[at];
            at += 1;
            match u32::from(line.code) {
                code if code == BPF_LD | BPF_W | BPF_ABS => {
                    loaded = if line.k == 4 { architecture } else { call };
                }
                code if code == BPF_RET | BPF_K => return line.k,
                code => {
                    let holds = match code & 0xf0 {
                        BPF_JEQ => loaded == line.k,
                        _ => loaded >= line.k,
                    };
                    at += usize::from(if holds { line.jt } else { line.jf });
                }
            }
        }
    }

    #[test]
    fn what_is_refused() {
        let ours = |call: libc::c_long| verdict(ARCHITECTURE, u32::try_from(call).unwrap());
        assert_eq!(ours(libc::SYS_read), libc::SECCOMP_RET_ALLOW);
        assert_eq!(ours(libc::SYS_clone3), libc::SECCOMP_RET_ALLOW);
        assert_eq!(ours(libc::SYS_mount), libc::SECCOMP_RET_USER_NOTIF);
        assert_eq!(ours(libc::SYS_bpf), errno(libc::EPERM));
        assert_eq!(ours(libc::SYS_io_uring_setup), errno(libc::ENOSYS));
        assert_eq!(verdict(ARCHITECTURE, X32 + 1), errno(libc::ENOSYS));
        assert_eq!(verdict(0x4000_0003, 1), libc::SECCOMP_RET_KILL_PROCESS);
    }
}
