//! The node's JSON-RPC, several calls in one request.

use bytes::Bytes;
use hyper::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{BlockFees, HEADER_BYTES, NodeError, NodeHeader, NodeTip, one_line};
use crate::http::Pages;

/// Calls in one request. A header takes some 200 bytes of JSON.
const BATCH: usize = 250;

/// What `getblockchaininfo` says, as far as it is used.
#[derive(Deserialize)]
pub(super) struct BlockchainInfo {
    chain: String,
    blocks: u32,
    headers: u32,
    #[serde(default)]
    initialblockdownload: bool,
}

pub(super) fn tip_of(info: BlockchainInfo) -> Result<NodeTip, NodeError> {
    let plain = !info.chain.is_empty() && info.chain.len() <= 20 && info.chain.is_ascii();
    if !plain {
        return Err(NodeError::Shape { what: "getblockchaininfo", expected: "the name of a chain" });
    }
    let chain = one_line(&info.chain);
    Ok(NodeTip { chain, height: info.blocks, headers: info.headers, catching_up: info.initialblockdownload })
}

#[derive(Deserialize)]
struct Reply {
    id: Option<usize>,
    #[serde(default)]
    result: Value,
    error: Option<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    code: i64,
    message: String,
}

/// Makes calls of one method and gives their results in the order of the calls.
async fn calls(
    pages: &mut Pages<'_>,
    method: &'static str,
    parameters: &[Value],
) -> Result<Vec<Value>, NodeError> {
    let mut results = Vec::with_capacity(parameters.len());
    for part in parameters.chunks(BATCH) {
        let batch: Vec<Value> = part
            .iter()
            .enumerate()
            .map(|(id, params)| json!({ "jsonrpc": "1.0", "id": id, "method": method, "params": params }))
            .collect();
        let body = serde_json::to_vec(&batch).expect("JSON of strings and numbers can be written");
        let (status, body) = pages.request(&Method::POST, "/", "application/json", body.into()).await?;
        results.extend(answers(method, part.len(), status, &body)?);
    }
    Ok(results)
}

/// Puts the replies of one request in order; each call has exactly one.
fn answers(
    method: &'static str,
    count: usize,
    status: StatusCode,
    body: &Bytes,
) -> Result<Vec<Value>, NodeError> {
    if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return Err(NodeError::Login);
    }
    // A fault of the whole request comes as one reply, with a status of its own.
    let one = serde_json::from_slice::<Reply>(body).ok();
    if let Some(fault) = one.and_then(|reply| reply.error) {
        return Err(refused(method, &fault));
    }
    let Ok(replies) = serde_json::from_slice::<Vec<Reply>>(body) else {
        let said = one_line(&String::from_utf8_lossy(body));
        return Err(NodeError::Status { page: method.to_owned(), status: status.as_u16(), said });
    };
    let mut ordered: Vec<Option<Value>> = vec![None; count];
    for reply in replies {
        if let Some(fault) = &reply.error {
            return Err(refused(method, fault));
        }
        let place = reply.id.and_then(|id| ordered.get_mut(id)).filter(|place| place.is_none());
        *place.ok_or(NodeError::Shape { what: method, expected: "one reply a call" })? = Some(reply.result);
    }
    let whole: Option<Vec<Value>> = ordered.into_iter().collect();
    whole.ok_or(NodeError::Shape { what: method, expected: "one reply a call" })
}

fn refused(method: &'static str, fault: &Fault) -> NodeError {
    NodeError::Refused { method, code: fault.code, message: one_line(&fault.message) }
}

pub(super) async fn tip(pages: &mut Pages<'_>) -> Result<NodeTip, NodeError> {
    let what = "getblockchaininfo";
    let replies = calls(pages, what, &[json!([])]).await?;
    let info = replies.into_iter().next().and_then(|value| serde_json::from_value(value).ok());
    tip_of(info.ok_or(NodeError::Shape { what, expected: "a chain and its height" })?)
}

pub(super) async fn headers(
    pages: &mut Pages<'_>,
    from: u32,
    count: u32,
) -> Result<Vec<NodeHeader>, NodeError> {
    let last = tip(pages).await?.height;
    if from > last {
        let message = format!("height {from} is beyond its last block, {last}");
        return Err(NodeError::Refused { method: "getblockhash", code: -8, message });
    }
    let until = from.saturating_add(count).min(last.saturating_add(1));
    let heights: Vec<Value> = (from..until).map(|height| json!([height])).collect();
    let hashes = calls(pages, "getblockhash", &heights).await?;
    let raw: Vec<Value> = hashes.into_iter().map(|hash| json!([hash, false])).collect();
    let replies = calls(pages, "getblockheader", &raw).await?;
    replies.iter().map(header).collect()
}

fn header(value: &Value) -> Result<NodeHeader, NodeError> {
    let shape = NodeError::Shape { what: "getblockheader", expected: "80 bytes in hexadecimal" };
    let text = value.as_str().filter(|text| text.len() == 2 * HEADER_BYTES && text.is_ascii());
    let text = text.ok_or_else(|| shape.clone())?;
    let mut header = [0; HEADER_BYTES];
    for (byte, digits) in header.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (high, low) = digit(digits[0]).zip(digit(digits[1])).ok_or_else(|| shape.clone())?;
        *byte = high << 4 | low;
    }
    Ok(header)
}

#[derive(Deserialize)]
struct BlockStats {
    height: u32,
    time: i64,
    totalfee: u64,
}

pub(super) async fn fees(pages: &mut Pages<'_>, heights: &[u32]) -> Result<Vec<BlockFees>, NodeError> {
    let what = "getblockstats";
    let parameters: Vec<Value> =
        heights.iter().map(|height| json!([height, ["height", "time", "totalfee"]])).collect();
    let replies = calls(pages, what, &parameters).await?;
    let read = |(value, asked): (Value, &u32)| {
        let stats: Option<BlockStats> = serde_json::from_value(value).ok();
        let stats = stats.filter(|stats| stats.height == *asked);
        let stats = stats
            .ok_or(NodeError::Shape { what, expected: "height, time and fees of the block asked for" })?;
        Ok(BlockFees { height: stats.height, time: stats.time, fees_sat: stats.totalfee })
    };
    replies.into_iter().zip(heights).map(read).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(count: usize, status: u16, body: &str) -> Result<Vec<Value>, NodeError> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        answers("getblockhash", count, StatusCode::from_u16(status).unwrap(), &body)
    }

    #[test]
    fn replies_in_any_order_are_put_in_that_of_the_calls() {
        let body = r#"[{"result":"b","error":null,"id":1},{"result":"a","error":null,"id":0}]"#;
        assert_eq!(read(2, 200, body).unwrap(), [json!("a"), json!("b")]);
        for wrong in [
            r#"[{"result":"a","error":null,"id":0}]"#,
            r#"[{"result":"a","error":null,"id":0},{"result":"a","error":null,"id":0}]"#,
            r#"[{"result":"a","error":null,"id":0},{"result":"a","error":null,"id":2}]"#,
            r#"[{"result":"a","error":null,"id":0},{"result":"a","error":null,"id":null}]"#,
        ] {
            assert!(matches!(read(2, 200, wrong), Err(NodeError::Shape { .. })), "{wrong}");
        }
    }

    #[test]
    fn what_the_node_refuses_is_told_in_its_words() {
        let body = r#"[{"result":null,"error":{"code":-8,"message":"Block height out of range"},"id":0}]"#;
        let told = read(1, 200, body).unwrap_err().to_string();
        assert_eq!(told, "the node refuses getblockhash: Block height out of range (code -8)");
        let starting = r#"{"result":null,"error":{"code":-28,"message":"Loading block index..."},"id":null}"#;
        assert!(matches!(read(1, 500, starting), Err(NodeError::Refused { code: -28, .. })));
        assert_eq!(read(1, 401, ""), Err(NodeError::Login));
        assert!(matches!(
            read(1, 503, "Work queue depth exceeded"),
            Err(NodeError::Status { status: 503, .. })
        ));
    }

    #[test]
    fn a_header_is_eighty_bytes_of_hexadecimal() {
        assert_eq!(header(&json!("0f".repeat(80))).unwrap(), [15; 80]);
        for wrong in
            [json!("0f".repeat(79)), json!("zz".repeat(80)), json!("é".repeat(80)), json!(1), Value::Null]
        {
            assert!(header(&wrong).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_reply_is_understood_or_refused(body in ".{0,200}", status in 100_u16..600) {
            let _ = read(3, status, &body);
        }
    }
}
