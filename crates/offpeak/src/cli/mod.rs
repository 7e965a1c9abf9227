//! The command line: what can be asked, with examples. Not here: what is then done.

mod args;
mod books;
mod chain;
mod control;
mod device;
mod observatory;
mod people;
mod records;
mod values;

pub(crate) use args::{
    Authority, Because, Bench, Check, Cli, Command, Demo, Dispatch, Explain, Listen, Lockout, Machine,
    Machines, Power, Resume, Run, Scan, Simulate, SiteDir, Status, Stop, Twin,
};
pub(crate) use books::{About, Audit, AuditShow, AuditVerify, Backup, LinesBy, Report, Restore};
pub(crate) use chain::{Chain, ChainAudit, ChainName, ChainShow, ChainSync, ChainWhat, Kept};
pub(crate) use control::{Calendar, Control, Hold, Order, Orders, OrdersOf, Plan, Release, Why};
pub(crate) use device::{Device, DeviceOrder, DeviceTry};
pub(crate) use observatory::{
    Breakeven, Change, Changes, Grid, HashPrice, Index, MethodName, Observatory, Residual, Sources, TermsOf,
    World,
};
pub(crate) use people::{Named, Token, TokenCreate, User, UserAdd};
pub(crate) use records::{LakeCommand, Sql, SqlFormat, Upload};
pub(crate) use values::instant;
