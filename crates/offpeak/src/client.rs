//! The command line's side of the API: a running site by its local socket, or elsewhere by its address.
//!
//! Not here: what is asked and how the answer is shown (`commands::running`).

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use offpeak_server::{Problem, socket_in};
use reqwest::{Certificate, Method, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How long a site may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unanswered {
    /// Nobody is there.
    #[error("nothing answers there")]
    NothingRuns,
    /// The site said no.
    #[error("{}", .0.detail)]
    Refused(Problem),
    /// Something else failed.
    #[error(transparent)]
    Failed(#[from] anyhow::Error),
}

/// A running site.
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    token: Option<String>,
    runtime: tokio::runtime::Runtime,
}

impl Client {
    /// The site of a data folder.
    pub(crate) fn local(dir: &Path) -> Result<Self> {
        // A socket's path has room for about a hundred bytes, and reqwest opens it as it is given.
        let http = reqwest::Client::builder().unix_socket(socket_in(dir)).timeout(PATIENCE).build()?;
        Self::new(http, "http://localhost/".parse()?, None)
    }

    /// A site at an address, with a token, and the certificate that it or its authority has.
    pub(crate) fn remote(url: Url, token: Option<String>, ca: Option<&[u8]>) -> Result<Self> {
        let mut builder = reqwest::Client::builder().timeout(PATIENCE).no_proxy();
        if let Some(pem) = ca {
            let certificates =
                Certificate::from_pem_bundle(pem).context("--ca is no PEM file of certificates")?;
            builder = builder.tls_certs_merge(certificates);
        }
        Self::new(builder.build()?, url, token)
    }

    fn new(http: reqwest::Client, base: Url, token: Option<String>) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { http, base, token, runtime })
    }

    /// A route's address. Parts are escaped one by one, so that a slash within one stays in it.
    fn url(&self, parts: &[&str], query: &[(&str, String)]) -> Result<Url> {
        let mut url = self.base.clone();
        let mut path =
            url.path_segments_mut().map_err(|()| anyhow!("`{}` is no site's address", self.base))?;
        path.pop_if_empty().extend(["api", "v1"]).extend(parts);
        drop(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// Reads something.
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        parts: &[&str],
        query: &[(&str, String)],
    ) -> Result<T, Unanswered> {
        self.send(Method::GET, self.url(parts, query)?, None::<&()>)
    }

    /// Changes something.
    pub(crate) fn change<T: DeserializeOwned>(
        &self,
        method: Method,
        parts: &[&str],
        query: &[(&str, String)],
        body: Option<&impl Serialize>,
    ) -> Result<T, Unanswered> {
        self.send(method, self.url(parts, query)?, body)
    }

    fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        url: Url,
        body: Option<&impl Serialize>,
    ) -> Result<T, Unanswered> {
        let mut request = self.http.request(method, url);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        self.runtime.block_on(async {
            let response = request.send().await.map_err(unanswered)?;
            read(response).await
        })
    }
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T, Unanswered> {
    let status = response.status();
    let bytes =
        response.bytes().await.context("the site closed the connection before its answer was complete")?;
    let what = || "its answer is not understood, it may be another version of offpeak";
    if status.is_success() {
        // An answer without a body is nothing.
        let bytes = if bytes.is_empty() { b"null".as_slice() } else { &bytes };
        return Ok(serde_json::from_slice(bytes).with_context(what)?);
    }
    let problem: Problem = serde_json::from_slice(&bytes).with_context(|| format!("{}: {status}", what()))?;
    Err(Unanswered::Refused(problem))
}

/// Nobody there is told apart from everything else.
fn unanswered(error: reqwest::Error) -> Unanswered {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            match io.kind() {
                std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => {
                    return Unanswered::NothingRuns;
                }
                std::io::ErrorKind::PermissionDenied => {
                    let words = "the site is another user's\nhint: only who started it, or root, may ask it";
                    return Unanswered::Failed(anyhow!(words));
                }
                _ => {}
            }
        }
        cause = error.source();
    }
    Unanswered::Failed(anyhow::Error::from(error.without_url()).context("the site did not answer"))
}
