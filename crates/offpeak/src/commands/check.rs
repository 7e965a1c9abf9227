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
        let hint = "name a site file; `sites/small.toml` is one to copy, and `offpeak demo` alone needs none";
        format!("{} cannot be read\nhint: {hint}", path.display())
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
    let logins = loaded.site.as_ref().map(|site| crate::runtime::logins(site, &path));
    let unusable = matches!(logins, Some(Err(_)));
    let factory = logins.as_ref().and_then(|logins| logins.as_ref().ok()).map(|logins| logins.factory.len());
    if args.json {
        let secrets = match &logins {
            Some(Err(error)) => json!({ "error": format!("{error:#}") }),
            _ => json!({ "factory_passwords": factory }),
        };
        print_json(&json!({ "diagnostics": loaded.diagnostics, "summary": summary, "secrets": secrets }))?;
    } else {
        for diagnostic in &loaded.diagnostics {
            print(&diagnostic.to_string())?;
        }
        match &summary {
            Some(summary) => print(&summary.to_string())?,
            None => print(&format!("{} finding(s); no site", loaded.diagnostics.len()))?,
        }
        if let Some(machines) = factory.filter(|machines| *machines > 0) {
            print(&format!("finding: {machines} machine(s) open with the factory's password"))?;
        }
        if let Some(Err(error)) = &logins {
            eprintln!("error: {error:#}");
        }
    }
    Ok(if loaded.site.is_some() && !unusable { Exit::Done } else { Exit::Mistakes })
}
