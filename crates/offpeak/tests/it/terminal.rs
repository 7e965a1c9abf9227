//! The screen on a real pseudo-terminal: however it ends, the terminal is given back and the exit code is the
//! documented one.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use super::{code, offpeak, run, site, stdout};

/// Longer than anything here takes, so that a fault ends the test.
const PATIENCE: Duration = Duration::from_secs(20);

/// A command on a terminal of its own, 100 columns by 30 rows.
struct OnTerminal {
    child: Child,
    master: File,
    seen: String,
}

impl OnTerminal {
    fn start(dir: &Path, args: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let size = Winsize { ws_row: 30, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&master, size).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let terminal = || File::options().read(true).write(true).open(&name).unwrap();
        let child = offpeak(dir)
            .args(args)
            .stdin(Stdio::from(terminal()))
            .stdout(Stdio::from(terminal()))
            .stderr(Stdio::from(terminal()))
            .spawn()
            .unwrap();
        Self { child, master: File::from(master), seen: String::new() }
    }

    /// Takes in what is shown next; says no once nobody has the terminal open any more.
    fn read(&mut self, until: Instant) -> bool {
        let left = Timespec::try_from(until.saturating_duration_since(Instant::now())).unwrap();
        let ready = poll(&mut [PollFd::new(&self.master, PollFlags::IN)], Some(&left)).unwrap();
        assert!(ready > 0, "nothing is shown any more after: {}", self.seen);
        let mut bytes = [0; 65_536];
        let read = self.master.read(&mut bytes).unwrap_or(0);
        self.seen.push_str(&String::from_utf8_lossy(&bytes[..read]));
        read > 0
    }

    /// One word: the screen leaves out blanks that stand there already.
    fn wait_for(&mut self, word: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.seen.contains(word) {
            let more = self.read(until) && Instant::now() < until;
            assert!(more || self.seen.contains(word), "never saw `{word}` in: {}", self.seen);
        }
    }

    fn press(&mut self, key: &[u8]) {
        self.master.write_all(key).unwrap();
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn is_raw(&self) -> bool {
        !tcgetattr(&self.master).unwrap().local_modes.contains(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// Everything shown, and how it ended.
    fn ended(mut self) -> (ExitStatus, String) {
        let until = Instant::now() + PATIENCE;
        while self.read(until) {}
        let status = self.child.wait().unwrap();
        let shown = &self.seen[self.seen.len().saturating_sub(300)..];
        assert!(!self.is_raw(), "ended with {status}, in raw mode, after: {shown:?}");
        let (_, after) = self.seen.rsplit_once("\x1b[?1049l").expect("the other screen is left");
        assert!(after.contains("\x1b[?25h"), "the cursor is shown: {after:?}");
        assert!(!after.contains("\x1b[?1049h") && !after.contains("\x1b[?25l"), "and stays so: {after:?}");
        (status, after.to_owned())
    }
}

impl Drop for OnTerminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn demo(dir: &Path) -> OnTerminal {
    let mut demo = OnTerminal::start(dir, &["demo", "--speed", "100"]);
    demo.wait_for("newest");
    assert!(demo.is_raw());
    demo
}

/// Of a mine that does not answer.
fn controller(dir: &Path) -> OnTerminal {
    let path = site("small.toml");
    let mut run = OnTerminal::start(dir, &["run", path.to_str().unwrap(), "--screen"]);
    run.wait_for("newest");
    run
}

#[test]
fn a_signal_gives_the_terminal_back() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let dir = tempfile::tempdir().unwrap();
        let demo = demo(dir.path());
        demo.signal(signal);
        let (status, after) = demo.ended();
        assert_eq!(status.code(), Some(0), "{signal:?}: {after}");
    }
}

/// Slow machines take the scan longer than a screen may take to open.
#[test]
fn a_demo_is_watched_while_its_machines_are_searched_for() {
    let dir = tempfile::tempdir().unwrap();
    let mut demo = OnTerminal::start(dir.path(), &["demo", "--speed", "11"]);
    demo.wait_for("looking");
    demo.wait_for("search");
    demo.press(b"q");
    assert_eq!(demo.ended().0.code(), Some(0));
}

#[test]
fn a_demo_is_left_at_once() {
    for key in [b"q", b"\x03"] {
        let dir = tempfile::tempdir().unwrap();
        let mut demo = demo(dir.path());
        demo.press(key);
        assert_eq!(demo.ended().0.code(), Some(0));
    }
}

#[test]
fn a_controller_asks_first_and_says_what_it_leaves() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = controller(dir.path());
    let question = "controller,";
    run.press(b"q");
    run.wait_for(question);
    run.press(b"x");
    run.seen.clear();
    run.wait_for("emergency");
    run.seen.clear();
    run.press(b"q");
    run.wait_for(question);
    run.press(b"q");
    let (status, after) = run.ended();
    assert_eq!(status.code(), Some(0), "{after}");
    assert!(after.contains("no longer controls `small` (the screen was left)"), "{after}");
    assert!(after.contains("left as they are: 0 running") && after.contains("of 64"), "{after}");
}

/// What a terminal's line that breaks leaves: a demo ends, a controller goes on.
#[test]
fn a_controller_outlives_its_terminal_and_a_demo_does_not() {
    let nowhere = || File::open("/dev/null").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut left = demo(dir.path());
    left.master = nowhere();
    assert_eq!(left.child.wait().unwrap().code(), Some(0));

    let dir = tempfile::tempdir().unwrap();
    let mut left = controller(dir.path());
    left.signal(Signal::HUP);
    left.master = nowhere();
    for _ in 0..20 {
        let status = run(dir.path(), &["status"]);
        assert_eq!(code(&status), 0, "{}", stdout(&status));
    }
    left.signal(Signal::TERM);
    assert_eq!(left.child.wait().unwrap().code(), Some(0));
}
