//! The results table.

use super::client::Measured;
use std::fmt;

/// One line of the table.
#[derive(Debug, Default)]
pub struct Line {
    /// What was measured.
    pub name: String,
    /// The measured value.
    pub figure: String,
    /// Ratios to the bare handler.
    pub of_bare: Ratios,
    /// Ratios to the bare rate of the cryptography involved: signing or hashing.
    pub of_signing: Ratios,
    /// Ratios to another server, or to ours in a different state.
    pub of_other: Ratios,
    /// The target.
    pub goal: Option<Goal>,
    /// Latency and CPU usage, if it is a load.
    pub measured: Option<Measured>,
}

/// A target.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// At least this fraction of the bare handler's rate.
    OfBare(f64),
    /// At least this fraction of the signing rate.
    OfSigning(f64),
    /// At least this fraction of the hashing rate.
    OfHashing(f64),
    /// At least this fraction of the other's rate.
    OfOther(f64),
    /// At least this many times the other's rate.
    TimesOther(f64),
    /// At most this value in this unit; the second value is the measured one.
    AtMost(f64, f64, &'static str),
}

/// Ratios, one per round: by wall-clock time, and by the CPU time of both sides.
#[derive(Debug, Clone, Default)]
pub struct Ratios(Vec<(f64, f64)>);

impl Ratios {
    /// Adds a round: the rate and the rate per second of CPU time of both sides.
    pub fn push(&mut self, ours: (f64, f64), theirs: (f64, f64)) {
        self.0.push((ours.0 / theirs.0, ours.1 / theirs.1));
    }

    fn clock(&self) -> f64 {
        median(self.0.iter().map(|(clock, _)| *clock))
    }

    fn processor(&self) -> f64 {
        median(self.0.iter().map(|(_, processor)| *processor))
    }
}

impl fmt::Display for Ratios {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("");
        }
        write!(f, "{:.0}% ({:.0}%)", self.clock() * 100.0, self.processor() * 100.0)
    }
}

/// Returns the median, which is the mean of the two middle values for an even count.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

/// Returns the results of the median round by rate.
pub fn middle(rounds: &[Measured]) -> Measured {
    let mut rounds = rounds.to_vec();
    rounds.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    rounds.get(rounds.len() / 2).copied().unwrap_or_default()
}

impl Line {
    /// Creates a line for a load without comparison.
    pub fn load(name: &str, measured: Measured) -> Self {
        Self { name: name.to_owned(), figure: rate(measured.rate), measured: Some(measured), ..Self::default() }
    }

    /// Creates a line for a value that should not exceed a target.
    pub fn figure(name: &str, value: f64, goal: Option<f64>, unit: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            figure: format!("{value:.1} {unit}"),
            goal: goal.map(|goal| Goal::AtMost(goal, value, unit)),
            ..Self::default()
        }
    }

    fn goal_text(&self) -> String {
        let (text, met) = match self.goal {
            None => return String::new(),
            Some(Goal::OfBare(least)) => {
                (format!("≥ {:.0}% of bare", least * 100.0), self.of_bare.clock() >= least - 0.005)
            }
            Some(Goal::OfSigning(least)) => {
                (format!("≥ {:.0}% of signing", least * 100.0), self.of_signing.clock() >= least - 0.005)
            }
            Some(Goal::OfHashing(least)) => {
                (format!("≥ {:.0}% of hashing", least * 100.0), self.of_signing.clock() >= least - 0.005)
            }
            Some(Goal::OfOther(least)) => {
                (format!("≥ {:.0}% of the other", least * 100.0), self.of_other.clock() >= least - 0.005)
            }
            Some(Goal::TimesOther(least)) => (format!("≥ {least} × the other"), self.of_other.clock() >= least - 0.05),
            Some(Goal::AtMost(most, value, unit)) => (format!("≤ {most:.0} {unit}"), value <= most),
        };
        format!("{text}: {}", if met { "met" } else { "MISSED" })
    }
}

/// Formats a rate with three significant digits.
pub fn rate(per_second: f64) -> String {
    if per_second >= 9_995.0 { format!("{:.1} k/s", per_second / 1000.0) } else { format!("{per_second:.0} /s") }
}

/// All lines.
#[derive(Debug, Default)]
pub struct Report(pub Vec<Line>);

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = [
            "Line",
            "Figure",
            "Of bare handler",
            "Of bare cryptography",
            "Of the other",
            "Goal",
            "p50, p99 in ms",
            "Busy: server, load",
        ];
        let mut rows = vec![head.map(str::to_owned)];
        for line in &self.0 {
            let times = line.measured.map(|m| format!("{:.2}, {:.2}", m.p50, m.p99)).unwrap_or_default();
            let busy = line.measured.map(|m| format!("{:.0}%, {:.0}%", m.server_busy * 100.0, m.load_busy * 100.0));
            rows.push([
                line.name.clone(),
                line.figure.clone(),
                line.of_bare.to_string(),
                line.of_signing.to_string(),
                line.of_other.to_string(),
                line.goal_text(),
                times,
                busy.unwrap_or_default(),
            ]);
        }
        let widths: Vec<usize> = (0..head.len())
            .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
            .collect();
        for (number, row) in rows.iter().enumerate() {
            for (cell, width) in row.iter().zip(&widths) {
                write!(f, "| {cell:<width$} ")?;
            }
            writeln!(f, "|")?;
            if number == 0 {
                writeln!(f, "|{}", widths.iter().map(|width| "-".repeat(width + 2) + "|").collect::<String>())?;
            }
        }
        Ok(())
    }
}
