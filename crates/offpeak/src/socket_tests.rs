//! The socket from both sides, with a site that only remembers what it was asked.

use std::sync::Mutex;

use jiff::Timestamp;

use super::*;
use crate::handle::{HandleError, MachineFilter};
use crate::view::{CalendarView, Explanation, MachineView, OrderView, PreviewView, SiteView, WhyView};

#[derive(Default)]
struct Fake {
    stops: Mutex<Vec<(Option<String>, String)>>,
}

impl SiteHandle for Fake {
    fn view(&self, _trace_points: usize) -> SiteView {
        unreachable!("not asked in these tests")
    }
    fn machines(&self, _filter: &MachineFilter) -> Result<Vec<MachineView>, HandleError> {
        Ok(Vec::new())
    }
    fn machine(&self, _name: &str) -> Result<Option<MachineView>, HandleError> {
        Ok(None)
    }
    fn explain(&self, circuit: &str, _at: Option<Timestamp>) -> Result<Explanation, HandleError> {
        Err(HandleError::Circuit { asked: circuit.to_owned(), hint: "look again".to_owned() })
    }
    fn stop(&self, circuit: Option<&str>, reason: &str) -> Result<(), HandleError> {
        self.stops.lock().unwrap().push((circuit.map(str::to_owned), reason.to_owned()));
        Ok(())
    }
    fn resume(&self, _circuit: Option<&str>) -> Result<usize, HandleError> {
        Ok(1)
    }
    fn lockout(&self, _circuit: &str, _by: &str) -> Result<(), HandleError> {
        Ok(())
    }
    fn lift_lockout(&self, circuit: &str, _by: &str, _manager: bool) -> Result<(), HandleError> {
        Err(HandleError::NotYours { circuit: circuit.to_owned(), by: "anna".to_owned() })
    }
    fn order(&self, _words: &str, kind: &str) -> Result<OrderView, HandleError> {
        Err(HandleError::OrderKind(kind.to_owned()))
    }
    fn lift_order(&self, id: u64) -> Result<(), HandleError> {
        Err(HandleError::NoOrder(id))
    }
    fn orders(&self) -> Vec<OrderView> {
        Vec::new()
    }
    fn preview(&self, _words: &str, _kind: &str) -> Result<PreviewView, HandleError> {
        Err(HandleError::TooEarly)
    }
    fn why(&self, _name: &str) -> Result<Option<WhyView>, HandleError> {
        Ok(None)
    }
    fn calendar(&self, _circuit: Option<&str>, _days: u16) -> Result<Vec<CalendarView>, HandleError> {
        Ok(Vec::new())
    }
    fn set_authority(&self, hall: &str, _control: bool) -> Result<(), HandleError> {
        Err(HandleError::NotAHall(hall.to_owned()))
    }
}

/// Runs client code against a served fake.
fn with_server<R>(client: impl FnOnce(&Path) -> R) -> (R, Arc<Fake>) {
    let dir = tempfile::tempdir().unwrap();
    let fake = Arc::new(Fake::default());
    let server = serve(Arc::clone(&fake) as Arc<dyn SiteHandle>, dir.path()).unwrap();
    let result = client(dir.path());
    drop(server);
    assert!(!path_in(dir.path()).exists(), "the socket goes with its server");
    (result, fake)
}

#[test]
fn a_stop_arrives_and_a_refusal_says_why() {
    let (answers, fake) = with_server(|dir| {
        let stop = Request::Stop { circuit: None, reason: "storm".into() };
        let lift = Request::LiftLockout { circuit: "hall-1".into(), by: "bert".into(), manager: false };
        (ask(dir, stop).unwrap(), ask(dir, lift).unwrap())
    });
    assert_eq!(answers.0, Response::Done("stopped: the whole site".into()));
    let Response::Refused(why) = answers.1 else { panic!("{:?}", answers.1) };
    assert!(why.contains("anna"), "{why}");
    assert_eq!(*fake.stops.lock().unwrap(), [(None, "storm".to_owned())]);
}

#[test]
fn the_socket_is_its_owner_s_alone() {
    let ((mode, names), _) = with_server(|dir| {
        let names: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        (fs::metadata(path_in(dir)).unwrap().permissions().mode(), names)
    });
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(names, [NAME], "nothing else is left in the folder");
}

#[test]
fn what_is_no_request_is_refused_and_the_next_is_served() {
    let (answers, _) = with_server(|dir| {
        let say = |bytes: &[u8]| {
            let mut stream = StdUnixStream::connect(path_in(dir)).unwrap();
            // The server may answer and close before everything is written.
            let _ = stream.write_all(bytes);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let mut line = String::new();
            let _ = BufReader::new(stream).read_line(&mut line);
            line
        };
        let garbage = say(b"\x00\xff{]\n");
        let long = say(&vec![b'a'; REQUEST_MAX as usize + 10]);
        let other = say(b"{\"version\":99,\"request\":\"status\"}\n");
        (garbage, long, other, ask(dir, Request::Resume { circuit: None }).unwrap())
    });
    assert!(answers.0.contains("refused"), "{}", answers.0);
    assert!(answers.1.contains("one line of at most 65536 bytes"), "{}", answers.1);
    assert!(answers.2.contains("version 1"), "{}", answers.2);
    assert_eq!(answers.3, Response::Done("1 stop(s) lifted at the whole site".into()));
}

#[test]
fn a_second_server_is_refused_and_a_dead_one_s_socket_is_replaced() {
    let (second, _) = with_server(|dir| serve(Arc::new(Fake::default()), dir).unwrap_err().kind());
    assert_eq!(second, io::ErrorKind::AddrInUse);

    let dir = tempfile::tempdir().unwrap();
    drop(std::os::unix::net::UnixListener::bind(path_in(dir.path())).unwrap());
    assert!(serve(Arc::new(Fake::default()), dir.path()).is_ok());
}

#[test]
fn a_request_that_is_too_long_is_not_even_sent() {
    let (error, fake) = with_server(|dir| {
        let stop = Request::Stop { circuit: None, reason: "x".repeat(REQUEST_MAX as usize) };
        ask(dir, stop).unwrap_err()
    });
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    assert!(fake.stops.lock().unwrap().is_empty());
}

#[test]
fn who_connects_and_says_nothing_holds_up_nobody() {
    let (answer, _) = with_server(|dir| {
        let _silent: Vec<_> =
            (1..CONNECTIONS_MAX).map(|_| StdUnixStream::connect(path_in(dir)).unwrap()).collect();
        ask(dir, Request::Resume { circuit: None }).unwrap()
    });
    assert_eq!(answer, Response::Done("1 stop(s) lifted at the whole site".into()));
}
