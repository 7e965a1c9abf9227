//! `offpeak check`, and reading a site file for everybody else.

use std::path::Path;

use anyhow::{Context as _, Result};
use offpeak_site::file::{Loaded, load_with_warnings, schema};
use offpeak_site::{Site, summary};
use serde_json::json;

use super::{print, print_json};
use crate::cli::Check;
use crate::exit::Exit;

/// Reads a site file; inventories are found beside it.
pub(crate) fn read(path: &Path) -> Result<Loaded> {
    let text = std::fs::read_to_string(path).with_context(|| {
        format!("{} cannot be read\nhint: offpeak check needs the path of a site file", path.display())
    })?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let attachment = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    Ok(load_with_warnings(&path.display().to_string(), &text, &attachment))
}

/// A site without mistakes, or `None` after they were told.
pub(crate) fn load(path: &Path) -> Result<Option<Site>> {
    let loaded = read(path)?;
    for diagnostic in &loaded.diagnostics {
        eprintln!("{diagnostic}");
    }
    if loaded.site.is_none() {
        eprintln!("hint: mend the site file; `offpeak check {}` tells the same", path.display());
    }
    Ok(loaded.site)
}

pub(crate) fn check(args: Check) -> Result<Exit> {
    let Some(path) = args.site else {
        print_json(&schema())?;
        return Ok(Exit::Done);
    };
    let loaded = read(&path)?;
    let summary = loaded.site.as_ref().map(summary::summary);
    if args.json {
        print_json(&json!({ "diagnostics": loaded.diagnostics, "summary": summary }))?;
    } else {
        for diagnostic in &loaded.diagnostics {
            print(&diagnostic.to_string())?;
        }
        match &summary {
            Some(summary) => print(&summary.to_string())?,
            None => print(&format!("{} finding(s); no site", loaded.diagnostics.len()))?,
        }
    }
    Ok(if loaded.site.is_some() { Exit::Done } else { Exit::Mistakes })
}
