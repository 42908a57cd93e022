//! Which step on the disk fails, in a test?
//!
//! Every step of an upload that changes something on the disk asks [`Faults::before`]. Outside of tests the
//! answer is always yes and costs nothing.
#[cfg(not(test))]
#[derive(Debug, Default)]
pub(super) struct Faults(());

#[cfg(not(test))]
impl Faults {
    /// May the next step be done?
    #[allow(clippy::unused_self, clippy::unnecessary_wraps)]
    #[inline]
    pub(super) fn before(&self) -> rustix::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
pub(super) use self::injected::{Fault, Faults};

#[cfg(test)]
mod injected {
    use std::sync::Mutex;

    use rustix::io::Errno;

    /// What happens at a step.
    #[derive(Clone, Copy, Debug)]
    pub(in crate::local) enum Fault {
        /// It fails with this.
        Fails(Errno),
        /// The process is killed before it: nothing that comes later is done, by clean-up neither.
        Killed,
    }

    #[derive(Debug, Default)]
    pub(in crate::local) struct Faults(Mutex<State>);

    #[derive(Debug, Default)]
    struct State {
        /// Steps that are still done, and what comes then.
        next: Option<(u32, Fault)>,
        killed: bool,
    }

    impl Faults {
        pub(in crate::local) fn before(&self) -> rustix::io::Result<()> {
            let mut state = self.0.lock().unwrap();
            if state.killed {
                return Err(Errno::IO);
            }
            match state.next.take() {
                None => Ok(()),
                Some((0, Fault::Fails(errno))) => Err(errno),
                Some((0, Fault::Killed)) => {
                    state.killed = true;
                    Err(Errno::IO)
                }
                Some((left, fault)) => {
                    state.next = Some((left - 1, fault));
                    Ok(())
                }
            }
        }

        /// After so many more steps, this.
        pub(in crate::local) fn after(&self, steps: u32, fault: Fault) {
            self.0.lock().unwrap().next = Some((steps, fault));
        }

        pub(in crate::local) fn is_killed(&self) -> bool {
            self.0.lock().unwrap().killed
        }

        pub(in crate::local) fn none(&self) {
            self.0.lock().unwrap().next = None;
        }
    }
}
