//! Walks through the product, step by step. What a step says is also what a browser test does: it
//! reads act and names from the page, so that words and product cannot drift apart.

use crate::pages::shell::Shell;

/// A walk, and what it is for.
pub(super) struct Walk {
    /// Stable name, for links to it.
    pub(super) slug: &'static str,
    pub(super) title: String,
    pub(super) line: &'static str,
    pub(super) steps: Vec<Step>,
}

/// A step: one thing to do, or to see.
pub(super) struct Step {
    deed: Deed,
    /// Why, or what comes of it; may be empty.
    pub(super) why: &'static str,
}

/// What is done. Names are those that stand on the page.
enum Deed {
    /// A place of the menu at the side is opened.
    Menu(String),
    /// A link is followed.
    Open(String),
    /// A button is pressed.
    Press(&'static str),
    /// A button is pressed, and a file is saved.
    Take(&'static str),
    /// An entry is taken from the menu of the first row.
    Row(&'static str),
    /// One of several is chosen.
    Choose { field: &'static str, option: String },
    /// Something is written.
    Write { field: &'static str, text: &'static str },
    /// Something is waited for.
    See(&'static str),
    /// Something is there, and worth a look.
    Look(&'static str),
}

impl Deed {
    fn because(self, why: &'static str) -> Step {
        Step { deed: self, why }
    }

    fn plainly(self) -> Step {
        self.because("")
    }
}

impl Step {
    /// The kind of deed, for whoever does it.
    pub(super) fn act(&self) -> &'static str {
        match self.deed {
            Deed::Menu(_) => "menu",
            Deed::Open(_) => "open",
            Deed::Press(_) => "press",
            Deed::Take(_) => "take",
            Deed::Row(_) => "row",
            Deed::Choose { .. } => "choose",
            Deed::Write { .. } => "write",
            Deed::See(_) => "see",
            Deed::Look(_) => "look",
        }
    }

    /// The sentence: words, a name, words, perhaps another name, words.
    pub(super) fn said(&self) -> [&str; 5] {
        match &self.deed {
            Deed::Menu(name) => ["In the menu, open ", name, ".", "", ""],
            Deed::Open(name) => ["Open ", name, ".", "", ""],
            Deed::Press(name) => ["Press ", name, ".", "", ""],
            Deed::Take(name) => ["Press ", name, ": the file is saved.", "", ""],
            Deed::Row(name) => ["Behind the dots ", "⋯", " of the first row, open ", name, "."],
            Deed::Choose { field, option } => ["At ", field, ", choose ", option, "."],
            Deed::Write { field, text } => ["At ", field, ", write ", text, "."],
            Deed::Look(name) => ["Look at ", name, ".", "", ""],
            Deed::See(words) => ["Wait until it says ", words, ".", "", ""],
        }
    }
}

/// The walks of somebody who may export a subject; `days` names its field of days, if it has one.
pub(super) fn all(shell: &Shell, subject: &str, days: Option<&str>) -> Vec<Walk> {
    vec![
        Walk {
            slug: "list",
            title: match days {
                Some(_) => format!("Recent {subject} as CSV"),
                None => format!("{subject} as CSV"),
            },
            line: "From a list to its file: what you look at is what you get.",
            steps: of_list(subject, days),
        },
        Walk {
            slug: "wizard",
            title: "Step by step, and again next week".to_owned(),
            line: "The wizard asks for one thing at a time, and Back keeps what you said.",
            steps: of_wizard(subject),
        },
        Walk {
            slug: "file",
            title: "Fetch a file in time, and remove it".to_owned(),
            line: "Files go by themselves when their days are over. You need not wait for that.",
            steps: of_file(shell),
        },
    ]
}

fn of_list(subject: &str, days: Option<&str>) -> Vec<Step> {
    let mut steps = vec![Deed::Menu(subject.to_owned()).because("Its records are listed.")];
    if let Some(days) = days {
        steps.extend([
            Deed::Open("Add filter".to_owned()).plainly(),
            Deed::Choose { field: "Field", option: days.to_owned() }.plainly(),
            Deed::Choose { field: "Is", option: "in the last".to_owned() }.plainly(),
            Deed::Write { field: "Value", text: "30 days" }.plainly(),
            Deed::Press("Add filter")
                .because("The list, its address and the file now hold these rows only."),
        ]);
    }
    steps.extend([
        Deed::Open("Export what I’m looking at".to_owned())
            .because("Rows, order and columns are taken along, and shown as they will be written."),
        Deed::Press("Start the export").because("You can leave the page: it is built without you."),
        Deed::See("Ready").plainly(),
        Deed::Take("Download").plainly(),
    ]);
    steps
}

fn of_wizard(subject: &str) -> Vec<Step> {
    vec![
        Deed::Menu("Exports".to_owned()).plainly(),
        Deed::Open("New export".to_owned()).because("Or the key N."),
        Deed::Open(subject.to_owned()).because("Only what you may export is there."),
        Deed::Press("Next: Fields").because("Before it: search, days, conditions, order."),
        Deed::Press("Next: Format").because("Before it: which fields, their order and names."),
        Deed::Press("XLSX").plainly(),
        Deed::Press("Next: When and why").plainly(),
        Deed::Write { field: "Reason or ticket", text: "Weekly numbers" }
            .because("It stands in the record, beside your name."),
        Deed::Press("Next: Review").because("Rows, size and the first rows are shown."),
        Deed::Press("Start the export").plainly(),
        Deed::See("Ready").plainly(),
        Deed::Take("Download").plainly(),
        Deed::Press("Re-run").because("Next week: the same question, with the rows of that day."),
        Deed::See("Ready").plainly(),
    ]
}

fn of_file(shell: &Shell) -> Vec<Step> {
    let mut steps = vec![
        Deed::Menu("Exports".to_owned()).plainly(),
        Deed::Open("Ready".to_owned()).because("Only exports whose file is there."),
        Deed::Look("Kept for").because("The ring below it empties: days, then hours."),
        Deed::Take("Download").because("As often as you like. Each time is an entry of the log."),
    ];
    if ["exports.delete.own", "exports.delete.any"].iter().any(|one| shell.holds(one)) {
        steps.extend([
            Deed::Row("Delete artifact").because("It asks first."),
            Deed::Press("Delete the file").because("The file goes, the record stays."),
            Deed::See("Deleted").plainly(),
        ]);
    }
    steps
}
