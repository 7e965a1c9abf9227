//! The node's REST pages: binary headers, facts as JSON.

use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde::Deserialize;

use super::rpc::{BlockchainInfo, tip_of};
use super::{HEADER_BYTES, NodeError, NodeHeader, NodeTip, one_line};
use crate::http::Pages;

async fn page(pages: &mut Pages<'_>, page: &str) -> Result<Bytes, NodeError> {
    let (status, body) = pages.request(&Method::GET, page, "", Bytes::new()).await?;
    match status {
        StatusCode::OK => Ok(body),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(NodeError::Login),
        _ => Err(NodeError::Status {
            page: page.to_owned(),
            status: status.as_u16(),
            said: one_line(&String::from_utf8_lossy(&body)),
        }),
    }
}

pub(super) async fn tip(pages: &mut Pages<'_>) -> Result<NodeTip, NodeError> {
    let body = page(pages, "/rest/chaininfo.json").await?;
    let info: BlockchainInfo = serde_json::from_slice(&body)
        .map_err(|_| NodeError::Shape { what: "chaininfo", expected: "what getblockchaininfo says" })?;
    tip_of(info)
}

#[derive(Deserialize)]
struct HashByHeight {
    blockhash: String,
}

pub(super) async fn headers(
    pages: &mut Pages<'_>,
    from: u32,
    count: u32,
) -> Result<Vec<NodeHeader>, NodeError> {
    let what = "blockhashbyheight";
    let body = page(pages, &format!("/rest/blockhashbyheight/{from}.json")).await?;
    let found: HashByHeight =
        serde_json::from_slice(&body).map_err(|_| NodeError::Shape { what, expected: "a block hash" })?;
    let hash = found.blockhash;
    if hash.len() != 64 || !hash.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(NodeError::Shape { what, expected: "a block hash" });
    }
    let body = page(pages, &format!("/rest/headers/{hash}.bin?count={count}")).await?;
    let (headers, spare) = body.as_chunks::<HEADER_BYTES>();
    let sound = spare.is_empty() && headers.len() <= count as usize;
    if !sound {
        return Err(NodeError::Shape {
            what: "headers",
            expected: "whole headers of 80 bytes, as many as asked",
        });
    }
    Ok(headers.to_vec())
}
