//! How much memory this process may use.

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

/// The memory limit of this process in bytes: its cgroup's, else its container's, else the machine's memory.
///
/// `None` where the operating system does not tell.
pub fn memory_limit() -> Option<u64> {
    let mut system = System::new().ok()?;
    system.refresh_memory();
    let limit = own_cgroup_limit(&mut system)
        .or_else(|| system.cgroup_limits().map(|limits| limits.total_memory))
        .unwrap_or_else(|| system.total_memory());
    (limit > 0).then_some(limit)
}

/// A systemd unit's `MemoryMax` and the like: a limit on a cgroup below the one that is mounted as the root.
fn own_cgroup_limit(system: &mut System) -> Option<u64> {
    let pid = sysinfo::get_current_pid().ok()?;
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, ProcessRefreshKind::nothing());
    Some(system.process(pid)?.cgroup_limits()?.total_memory)
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_has_a_memory_limit() {
        let limit = super::memory_limit().expect("the tests run where memory can be told");
        assert!(limit > 1 << 20, "{limit} bytes");
    }
}
