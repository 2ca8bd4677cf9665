//! An account as a picture: each step a bar from the sum before it to the sum after it, the thresholds as lines.

use super::account::{Account, guard_words, said};
use std::fmt::Write;

const LEFT: f64 = 330.0;
const WIDTH: f64 = 960.0;
const ROW: f64 = 28.0;
const TOP: f64 = 96.0;

/// From bits to the place on the page.
struct Scale {
    from: f64,
    to: f64,
}

impl Scale {
    fn of(account: &Account) -> Self {
        let at = &account.thresholds;
        let sums = account.steps.iter().map(|step| step.sum);
        let all = sums.chain([0.0, at.automatic, at.review, account.explanation.weight]);
        let (from, to) = all.fold((0.0_f64, 0.0_f64), |(from, to), bits| (from.min(bits), to.max(bits)));
        Self { from: from - 2.0, to: to + 2.0 }
    }

    fn x(&self, bits: f64) -> f64 {
        LEFT + (bits - self.from) / (self.to - self.from) * (WIDTH - LEFT - 80.0)
    }
}

impl Account {
    /// The account as an SVG document, for a clerk to read or print. It holds no personal value.
    pub fn to_svg(&self) -> String {
        let scale = Scale::of(self);
        let rows = self.steps.len() + 1;
        let notes: Vec<String> = self
            .explanation
            .guards
            .iter()
            .map(|guard| format!("guard {guard}: {}", guard_words(guard)))
            .chain(self.flips.iter().map(|flip| format!("would change it: {}", flip.words())))
            .collect();
        let foot = TOP + ROW * lines(rows);
        let height = foot + 40.0 + 20.0 * lines(notes.len());
        let title = format!(
            "{}: {:+.1} bits, probability {:.4}",
            said(self.explanation.zone),
            self.explanation.weight,
            self.explanation.probability
        );
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {WIDTH:.0} {height:.0}\" \
             width=\"{WIDTH:.0}\" height=\"{height:.0}\" font-family=\"sans-serif\" font-size=\"13\">\n\
             <title>{0}</title>\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
             <text x=\"16\" y=\"30\" font-size=\"18\" font-weight=\"bold\">{0}</text>\n\
             <text x=\"16\" y=\"52\" fill=\"#555555\">{1}</text>\n",
            escaped(&title),
            escaped(&format!("by the model {}; bars to the right speak for one person", self.explanation.model))
        );
        self.thresholds_to(&mut out, &scale, foot);
        let mut before = 0.0;
        for (row, step) in self.steps.iter().enumerate() {
            let label = format!("{}: {}", step.of, self.words_of(step));
            let colour = if step.bits >= 0.0 { "#2b8a3e" } else { "#c92a2a" };
            bar(&mut out, &scale, row, (&label, &format!("{:+.1}", step.bits)), (before, step.sum), colour);
            before = step.sum;
        }
        let sum = format!("{:+.1}", self.explanation.weight);
        bar(&mut out, &scale, rows - 1, ("the weight", &sum), (0.0, self.explanation.weight), "#1864ab");
        for (line, note) in notes.iter().enumerate() {
            let y = foot + 30.0 + 20.0 * lines(line);
            // Writing to a string cannot fail.
            let _ = writeln!(out, "<text x=\"16\" y=\"{y:.0}\">{}</text>", escaped(note));
        }
        out.push_str("</svg>\n");
        out
    }

    fn thresholds_to(&self, out: &mut String, scale: &Scale, foot: f64) {
        let at = &self.thresholds;
        let lines = [
            (0.0, "#868e96", String::new()),
            (at.review, "#e67700", format!("asked from {:+.0}", at.review)),
            (at.automatic, "#2b8a3e", format!("linked from {:+.0}", at.automatic)),
        ];
        for (bits, colour, word) in lines {
            let x = scale.x(bits);
            let _ = writeln!(
                out,
                "<line x1=\"{x:.1}\" y1=\"{:.0}\" x2=\"{x:.1}\" y2=\"{foot:.0}\" stroke=\"{colour}\" \
                 stroke-dasharray=\"4 3\"/><text x=\"{x:.1}\" y=\"{:.0}\" fill=\"{colour}\" font-size=\"11\" \
                 text-anchor=\"middle\">{word}</text>",
                TOP - 8.0,
                TOP - 14.0
            );
        }
    }
}

fn bar(out: &mut String, scale: &Scale, row: usize, (label, bits): (&str, &str), (from, to): (f64, f64), colour: &str) {
    let y = TOP + ROW * lines(row);
    let (x, end) = (scale.x(from.min(to)), scale.x(from.max(to)));
    let _ = writeln!(
        out,
        "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"end\">{}</text>\
         <rect x=\"{x:.1}\" y=\"{:.0}\" width=\"{:.1}\" height=\"{:.0}\" fill=\"{colour}\"/>\
         <text x=\"{:.1}\" y=\"{:.0}\">{bits}</text>",
        LEFT - 12.0,
        y + 18.0,
        escaped(label),
        y + 4.0,
        (end - x).max(1.0),
        ROW - 8.0,
        end + 6.0,
        y + 18.0,
    );
}

fn lines(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
