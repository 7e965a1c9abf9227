//! The lake in a bucket of an independent S3 server: put there, found again after a broken line, and read.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use object_store::aws::AmazonS3Builder;
use object_store::{ObjectStore, ObjectStoreExt as _};
use offpeak_lake::Lake;
use offpeak_query::{Limits, PART_BYTES, Query, upload};

use super::{ask, at, lake, machine, runtime};

/// moto's server on a free port of the loopback, with a bucket.
const SERVER: &str = r#"
import sys, threading
from werkzeug.serving import make_server
from moto.server import DomainDispatcherApplication, create_backend_app
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
print(server.server_port, flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
server.serve_forever()
"#;

struct Server {
    process: Child,
    endpoint: String,
}

impl Server {
    fn start() -> Self {
        let python = std::env::var_os("OFFPEAK_PYTHON").expect(
            "OFFPEAK_PYTHON names no Python with the tests' requirements installed: run `make test`, which makes one",
        );
        let mut process = Command::new(python)
            .args(["-c", SERVER])
            // So that files of a test go in parts.
            .env("S3_UPLOAD_PART_MIN_SIZE", "1024")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port: u16 = line.trim().parse().expect("the server prints its port");
        Self { process, endpoint: format!("http://127.0.0.1:{port}") }
    }

    fn store(&self) -> Arc<dyn ObjectStore> {
        let store = AmazonS3Builder::new()
            .with_endpoint(&self.endpoint)
            .with_allow_http(true)
            .with_bucket_name("lake")
            .with_region("us-east-1")
            .with_access_key_id("test")
            .with_secret_access_key("test")
            .build()
            .unwrap();
        Arc::new(store)
    }

    /// A bucket is made by an empty PUT to its name, which no client of objects does.
    fn make_bucket(&self) {
        use std::io::{Read as _, Write as _};
        let address = self.endpoint.strip_prefix("http://").unwrap();
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(
            stream,
            "PUT /lake HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const SUM: &str =
    "select owner, count(*) as n, sum(billed_j) as j from machine group by owner order by owner";

#[test]
fn a_lake_goes_to_a_bucket_and_is_read_from_there() {
    let server = Server::start();
    server.make_bucket();
    let store = server.store();
    let folder = tempfile::tempdir().unwrap();
    let mut writer: Lake = lake(folder.path());
    let runtime = runtime();
    let first = runtime.block_on(upload(folder.path(), store.as_ref(), PART_BYTES)).unwrap();
    assert!(first.files > 3 && first.removed == 0, "{first:?}");

    let local = super::open(folder.path(), None);
    let there = Query::open(Arc::clone(&store), None, Limits::default()).unwrap();
    assert_eq!(ask(&there, SUM).unwrap(), ask(&local, SUM).unwrap());

    // Nothing is put twice; what is new is.
    let again = runtime.block_on(upload(folder.path(), store.as_ref(), PART_BYTES)).unwrap();
    assert_eq!((again.files, again.present), (0, first.files));
    writer.append(&[machine(1, 4_000)]).unwrap();
    writer.publish().unwrap();
    writer.settle().unwrap();
    assert_eq!(runtime.block_on(upload(folder.path(), store.as_ref(), PART_BYTES)).unwrap().files, 1);

    // Merged files take the place of their parts.
    for _ in 0..5 {
        writer.tend(at(30 * 86_400));
        writer.settle().unwrap();
    }
    let merged = runtime.block_on(upload(folder.path(), store.as_ref(), PART_BYTES)).unwrap();
    assert!(merged.files >= 3 && merged.removed > merged.files, "{merged:?}");
    assert_eq!(ask(&there, SUM).unwrap(), ask(&local, SUM).unwrap());
}

/// Large files go in parts, and the program itself puts them under a prefix and reads them from there.
#[test]
fn files_in_parts_and_under_a_prefix_are_whole() {
    let server = Server::start();
    server.make_bucket();
    let folder = tempfile::tempdir().unwrap();
    let _writer = lake(folder.path());
    let store = object_store::prefix::PrefixStore::new(server.store(), "sites/small");
    let done = runtime().block_on(upload(folder.path(), &store, 2_048)).unwrap();
    assert!(done.bytes > done.files * 4_096, "files of more than two parts: {done:?}");
    let program = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_offpeak-query"))
            .args(args)
            .env("AWS_ENDPOINT", &server.endpoint)
            .env("AWS_ALLOW_HTTP", "true")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let place = "s3://lake/sites/small";
    let lake = folder.path().to_str().unwrap();
    let said = program(&["upload", "--lake", lake, "--to", place]);
    assert!(said.contains(&done.files.to_string()), "they are there already: {said}");
    let sql = ["--format", "csv", "--", SUM];
    let there = program(&[&["sql", "--lake", place][..], &sql].concat());
    assert_eq!(there, program(&[&["sql", "--lake", lake][..], &sql].concat()));
    assert!(there.lines().count() > 3, "{there}");
}

#[test]
fn an_upload_that_broke_off_goes_on_where_it_was() {
    let server = Server::start();
    server.make_bucket();
    let store = server.store();
    let folder = tempfile::tempdir().unwrap();
    let _writer = lake(folder.path());
    let runtime = runtime();
    let all = runtime.block_on(upload(folder.path(), store.as_ref(), PART_BYTES)).unwrap();
    // As if the line had broken before the last file, and half of another had come over as an object of its own.
    let files = offpeak_lake::files(folder.path(), offpeak_lake::Table::Machine).unwrap();
    let [lost, half] =
        [&files[files.len() - 1], &files[0]].map(|file| object_store::path::Path::from(file.place()));
    runtime.block_on(store.delete(&lost)).unwrap();
    runtime.block_on(store.put(&half, b"PAR1".to_vec().into())).unwrap();
    let rest = runtime.block_on(upload(folder.path(), store.as_ref(), PART_BYTES)).unwrap();
    assert_eq!((rest.files, rest.present), (2, all.files - 2));
    let (local, there) =
        (super::open(folder.path(), None), Query::open(store, None, Limits::default()).unwrap());
    assert_eq!(ask(&there, SUM).unwrap(), ask(&local, SUM).unwrap());
    drop(server);
    // A store that is gone is an error, and nothing here is touched.
    let gone = AmazonS3Builder::new()
        .with_endpoint("http://127.0.0.1:9")
        .with_allow_http(true)
        .with_bucket_name("lake")
        .with_region("us-east-1")
        .with_access_key_id("test")
        .with_secret_access_key("test")
        .with_retry(object_store::RetryConfig { max_retries: 0, ..Default::default() })
        .build()
        .unwrap();
    runtime.block_on(upload(folder.path(), &gone, PART_BYTES)).unwrap_err();
    assert_eq!(offpeak_lake::files(folder.path(), offpeak_lake::Table::Machine).unwrap(), files);
}
