//! The HTTP API of a running site: what it shows and takes, who may use it, and its live stream.
//!
//! One set of handlers serves everybody: the command line over the site's local socket, browsers and programs over
//! TCP. What a site knows comes through [`SiteHandle`], what it recorded through [`Records`], and what stands in the field
//! through [`Field`]; the shapes in [`view`] are the same for all of them.
//!
//! Not here: any decision about machines, and the user interface itself.

pub mod access;
pub mod alerts;
pub mod api;
mod beside;
mod etag;
mod handle;
mod headers;
mod kept;
mod listen;
mod problem;
mod stream;
pub mod tls;
pub mod view;

pub use beside::{Field, HandOrder, Holds, PoolOrder, Records, ReportAbout, ReportBy, ReportQuery, SiteFile};
pub use handle::{By, Columns, HandleError, MachineQuery, MachineSort, SiteHandle, Stopped};
pub use listen::{Serving, Socket, serve_local, serve_tcp, socket_in};
pub use problem::Problem;
