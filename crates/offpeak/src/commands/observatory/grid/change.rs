//! What if mining were more or less: the year by the hour, by both brackets of what plants could add.

use anyhow::Result;
use offpeak_index::answers::{Bracket, GridQuestion, GridQuestionError, brackets, brackets_csv};
use offpeak_index::grid::{DemandShape, GridBook, MiningChange};
use offpeak_index::world::Assumption;
use serde_json::{Value, json};

use crate::cli::{Change, Grid};
use crate::commands::observatory::inputs;
use crate::commands::observatory::output::{assumptions_json, assumptions_text, short};
use crate::commands::table::table;
use crate::commands::{print, print_json};
use crate::exit::Exit;

pub(super) fn show(args: &Grid, book: &GridBook, change: Change) -> Result<Exit> {
    let shape = shape(args)?;
    let asked = GridQuestion {
        book,
        country: args.country,
        year: args.year,
        shape: &shape,
        capacity: <[f64; 12]>::try_from(args.capacity.as_slice()).ok(),
        import_limit_mw: args.import_limit,
        neighbour: args.neighbour,
        change: MiningChange { mw: change.mw, hours: change.hours },
    };
    let (year, brackets) = brackets(&asked).map_err(told)?;
    let list: Vec<Assumption> = brackets.iter().flat_map(|one| one.out.assumptions.iter().cloned()).collect();
    if args.csv {
        print(&brackets_csv(&brackets, args.assumptions))?;
    } else if args.json {
        print_json(&json!({
            "country": args.country.to_string(),
            "year": year,
            "change_mw": change.mw,
            "hours": change.hours.to_string(),
            "hours_of_week": change.hours.count(),
            "brackets": brackets.iter().map(as_json).collect::<Vec<_>>(),
        }))?;
    } else {
        let mut text = as_text(args, year, change, &brackets);
        if args.assumptions {
            text.push_str(&format!("\n\n{}", assumptions_text(&list)));
        }
        print(&text)?;
    }
    Ok(Exit::Done)
}

/// What is wrong, with what would help on the command line.
fn told(error: GridQuestionError) -> anyhow::Error {
    let is_peak = matches!(error, GridQuestionError::Peak(_));
    let error = anyhow::Error::new(error);
    if is_peak {
        let words = format!("{error}\nhint: --peaks FILE takes code,date,load_mw,generation_mw,source");
        return anyhow::anyhow!(words);
    }
    error
}

fn shape(args: &Grid) -> Result<DemandShape> {
    let Some(path) = &args.shape else { return Ok(DemandShape::kazakhstan()) };
    let name = path.display().to_string();
    let hint = "columns kind,index,value: month and winter_weight 1 to 12, weekday 1 to 7, winter_hour and summer_hour 0 to 23";
    inputs::read_as(path, hint, |text| DemandShape::from_csv(text, &name, "given by the user"))
}

fn as_text(args: &Grid, year: i16, change: Change, brackets: &[Bracket]) -> String {
    let hours = if change.hours.count() == 168 { "always".to_owned() } else { change.hours.to_string() };
    let mut text = format!(
        "{} {year}, {:+} MW of mining\nin {} of the week's 168 hours: {hours}",
        args.country.name(),
        change.mw,
        change.hours.count()
    );
    for one in brackets {
        let (a, b) = (&one.out.base, &one.out.changed);
        let twh = |kwh: i64| format!("{:.3}", kwh as f64 / 1e9);
        let mw = |kw: i64| format!("{:.0}", kw as f64 / 1e3);
        let row = |what: &str, base: String, changed: String| vec![what.to_owned(), base, changed];
        let rows = vec![
            row("demand, TWh", twh(a.demand_kwh), twh(b.demand_kwh)),
            row("generation at home, TWh", twh(a.generation_kwh), twh(b.generation_kwh)),
            row("imports, TWh", twh(a.import_kwh), twh(b.import_kwh)),
            row("exports, TWh", twh(a.export_kwh), twh(b.export_kwh)),
            row("not served, TWh", twh(a.unserved_kwh), twh(b.unserved_kwh)),
            row("highest load, MW", mw(a.peak_kw), mw(b.peak_kw)),
            row("least reserve, MW", mw(a.reserve_kw), mw(b.reserve_kw)),
            row("highest import, MW", mw(a.import_peak_kw), mw(b.import_peak_kw)),
            row("hours of deficit", a.deficit_hours.to_string(), b.deficit_hours.to_string()),
            row("hours with imports", a.import_hours.to_string(), b.import_hours.to_string()),
            row("emissions, Mt CO2e", format!("{:.2}", a.tonnes / 1e6), format!("{:.2}", b.tonnes / 1e6)),
        ];
        text.push_str(&format!(
            "\n\n{} ({}): {:+.2} Mt CO2e\n{}",
            one.told,
            one.name,
            one.out.tonnes_more() / 1e6,
            table(&["", "without", "with the change"], &rows)
        ));
    }
    if let Some(first) = brackets.first() {
        text.push_str(&format!(
            "\n\nThe hours are not measured. {} (stretch {}).",
            first.out.shape,
            short(first.stretch)
        ));
    }
    text
}

fn as_json(one: &Bracket) -> Value {
    let totals = |sum: &offpeak_index::grid::Totals| {
        json!({
            "demand_kwh": sum.demand_kwh, "generation_kwh": sum.generation_kwh, "import_kwh": sum.import_kwh,
            "export_kwh": sum.export_kwh, "unserved_kwh": sum.unserved_kwh, "highest_load_kw": sum.peak_kw,
            "least_reserve_kw": sum.reserve_kw, "deficit_hours": sum.deficit_hours,
            "deficit_kwh": sum.deficit_kwh, "import_hours": sum.import_hours,
            "highest_import_kw": sum.import_peak_kw, "unserved_hours": sum.unserved_hours,
            "tonnes_co2e": sum.tonnes,
        })
    };
    let months: Vec<Value> = one
        .out
        .net_import_kwh
        .iter()
        .map(|(month, base, changed)| json!({ "month": month.to_string(), "base": base, "changed": changed }))
        .collect();
    let hours: Vec<Value> = one
        .out
        .by_hour
        .iter()
        .map(|mean| {
            json!({
                "demand_mw": mean.demand_mw, "changed_demand_mw": mean.changed_demand_mw,
                "generation_mw": mean.generation_mw, "changed_generation_mw": mean.changed_generation_mw,
            })
        })
        .collect();
    json!({
        "capacity": one.name,
        "base": totals(&one.out.base),
        "changed": totals(&one.out.changed),
        "tonnes_more": one.out.tonnes_more(),
        "active_hours": one.out.active_hours,
        "change_kwh": one.out.change_kwh,
        "net_import_kwh_by_month": months,
        "mean_by_hour": hours,
        "shape": one.out.shape,
        "shape_stretch": one.stretch,
        "assumptions": assumptions_json(&one.out.assumptions),
    })
}
