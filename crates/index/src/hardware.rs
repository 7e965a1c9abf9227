//! The table of mining machines that the indices are computed from: `offpeak-hardware`'s, with a fingerprint
//! that names a table.
//!
//! For: telling from which table a result was computed. Not for: the rows themselves.

pub use offpeak_hardware::{
    Cooling, HardwareError, Model, counts_for_cambridge, machines, parse_catalogue_csv, sources,
};

use crate::fingerprint::Fingerprint;

/// Names a table by its numbers, whatever its order of columns, notes and line ends.
#[must_use]
pub fn fingerprint(models: &[Model]) -> String {
    let mut print = Fingerprint::new("offpeak hardware 1");
    for model in models {
        print.text(&model.name);
        print.text(&model.maker);
        print.text(&model.release.to_string());
        print.number(Some(model.hash_rate_ths));
        print.number(Some(model.power_w));
        print.number(model.listed_j_per_th);
        print.number(model.weight_kg);
        print.text(model.cooling.map_or("", Cooling::name));
        print.number(Some(f64::from(u8::from(model.counts_for_cambridge))));
    }
    print.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "name,maker,release,hash_rate_ths,power_w,weight_kg,cooling,source
\"M63, S\",MicroBT,2023-11,390,7215,,hydro,\"datasheet, 2023\"
Late box,Other,2018-01-01,9,1300,4.7,,forum
";

    #[test]
    fn a_fingerprint_names_the_numbers_not_the_layout() {
        let models = parse_catalogue_csv(OWN).unwrap();
        assert_eq!(
            fingerprint(&models),
            fingerprint(&parse_catalogue_csv(&OWN.replace('\n', "\r\n")).unwrap())
        );
        let other = parse_catalogue_csv(&OWN.replace("7215", "7216")).unwrap();
        assert_ne!(fingerprint(&models), fingerprint(&other));
    }
}
