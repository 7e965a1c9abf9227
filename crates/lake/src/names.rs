//! Names as small numbers, for as long as a journal segment is open.

use hashbrown::HashMap;
use offpeak_rows::Name;

/// The number of no name.
pub(crate) const NO_NAME: u32 = u32::MAX;

/// Names that were met, each with its number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    numbers: HashMap<Name, u32>,
    names: Vec<Name>,
}

impl Names {
    /// A name's number.
    pub(crate) fn number(&mut self, name: &Name) -> u32 {
        if let Some(number) = self.numbers.get(&**name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).expect("a segment ends long before 4 billion names");
        self.names.push(Name::clone(name));
        self.numbers.insert(Name::clone(name), number);
        number
    }
    /// A text's number.
    pub(crate) fn number_of(&mut self, text: &str) -> u32 {
        match self.numbers.get(text) {
            Some(number) => *number,
            None => self.number(&Name::from(text)),
        }
    }
    /// The name of a number; `None` for [`NO_NAME`].
    pub(crate) fn get(&self, number: u32) -> Option<&Name> {
        self.names.get(number as usize)
    }
    /// All, by number.
    pub(crate) fn all(&self) -> &[Name] {
        &self.names
    }
    /// How many.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }
    /// Each number's place in the order of the names.
    pub(crate) fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.names.len() as u32).collect();
        order.sort_unstable_by(|a, b| self.names[*a as usize].cmp(&self.names[*b as usize]));
        let mut ranks = vec![0; order.len()];
        for (rank, number) in order.into_iter().enumerate() {
            ranks[number as usize] = rank as u32;
        }
        ranks
    }
}
