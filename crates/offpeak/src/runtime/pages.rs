//! The web UI's files, embedded by the build.
//!
//! Not here: who is served (`offpeak_server`), and the pages themselves (`ui/`).

use std::sync::Arc;

use offpeak_server::api::{Files, StaticFile};

/// By path, in order. A file may have twins that end in `.br` and `.gz`.
static FILES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/ui_files.rs"));

fn find(path: &str) -> Option<&'static [u8]> {
    FILES.binary_search_by_key(&path, |(name, _)| name).ok().map(|place| FILES[place].1)
}

fn kind(path: &str) -> Option<&'static str> {
    Some(match path.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" => "application/json",
        "png" => "image/png",
        "woff2" => "font/woff2",
        _ => return None,
    })
}

/// Whether a header `Accept-Encoding` takes this one. `q=0` refuses it.
fn takes(accepts: &str, encoding: &str) -> bool {
    accepts.split(',').any(|part| {
        let mut words = part.split(';').map(str::trim);
        let refused = |word: &str| {
            let weight = word.strip_prefix("q=");
            weight.is_some_and(|weight| weight.parse::<f32>().is_ok_and(|weight| weight <= 0.0))
        };
        words.next() == Some(encoding) && !words.any(refused)
    })
}

fn file(path: &str, accepts: &str) -> Option<StaticFile> {
    let kind = kind(path)?;
    let plain = find(path)?;
    let compressed = [("br", "br"), ("gzip", "gz")]
        .into_iter()
        .filter(|(encoding, _)| takes(accepts, encoding))
        .find_map(|(encoding, ending)| Some((find(&format!("{path}.{ending}"))?, encoding)));
    let (bytes, encoding) = compressed.map_or((plain, None), |(bytes, encoding)| (bytes, Some(encoding)));
    Some(StaticFile { kind, bytes, encoding, is_hashed: path.starts_with("assets/") })
}

/// The files for the server.
pub(super) fn files() -> Files {
    Arc::new(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_there_and_nothing_else_by_mistake() {
        let page = file("index.html", "").unwrap();
        assert_eq!((page.kind, page.encoding, page.is_hashed), ("text/html; charset=utf-8", None, false));
        assert!(String::from_utf8_lossy(page.bytes).contains("offpeak"));
        assert!(FILES.is_sorted_by_key(|(name, _)| name));
        for path in ["", "index", "../Cargo.toml", ".gitkeep", "index.html.br", "assets"] {
            assert!(file(path, "br, gzip").is_none(), "{path}");
        }
    }

    #[test]
    fn a_compressed_file_is_sent_only_to_who_takes_it() {
        assert!(takes("gzip, deflate, br", "br") && takes("br;q=1.0", "br"));
        assert!(!takes("gzip", "br") && !takes("br;q=0", "br") && !takes("", "br") && !takes("brotli", "br"));
        let script = FILES.iter().find(|(name, _)| name.ends_with(".js.br"));
        if let Some((name, _)) = script {
            let plain = name.trim_end_matches(".br");
            let sent = file(plain, "gzip, br").unwrap();
            assert_eq!((sent.encoding, sent.is_hashed), (Some("br"), true));
            assert!(sent.bytes.len() < find(plain).unwrap().len());
        }
    }
}
