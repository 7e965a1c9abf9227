//! The program itself, as `offpeak sql` starts it.

use std::process::{Command, Output};

use super::lake;

fn program(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_offpeak-query")).args(args).output().unwrap()
}

#[test]
fn it_shows_the_tables_answers_and_says_what_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let _writer = lake(folder.path());
    let dir = folder.path().to_str().unwrap();
    let shown = program(&["sql", "--lake", dir]);
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(text.contains("lake.machine: what each machine did in each minute"), "{text}");
    assert!(text.contains("  billed_j         bigint, may be NULL"), "{text}");

    let out = folder.path().join("out.parquet");
    let put = program(&["sql", "--lake", dir, "--out", out.to_str().unwrap(), "--", "select * from machine"]);
    assert!(put.status.success(), "{}", String::from_utf8_lossy(&put.stderr));
    assert!(std::fs::read(&out).unwrap().starts_with(b"PAR1"));

    let answered = program(&["sql", "--lake", dir, "--", "select -count(*) as n from machine"]);
    assert_eq!(String::from_utf8(answered.stdout).unwrap(), "n\n-3456\n");

    for (args, word) in [
        (["sql", "--lake", dir, "--", "select nothing from machine"], "hint: `offpeak sql --tables`"),
        (["sql", "--lake", "/nowhere", "--", "select 1"], "there is no lake in /nowhere"),
        (["sql", "--lake", "ftp://a/b", "--", "select 1"], "`ftp://a/b` is not a folder"),
        (["upload", "--lake", dir, "--to", "folder"], "`folder` is no bucket"),
    ] {
        let output = program(&args);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.code() == Some(1) && said.starts_with("error: ") && said.contains(word),
            "{said}"
        );
        assert_eq!(said.trim_end().lines().count(), 1 + usize::from(word.starts_with("hint")), "{said}");
    }
}
