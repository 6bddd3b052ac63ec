//! What is shown on a terminal, as text: the state of every thing, from the events so far. Pure.
//!
//! ```text
//! [+] up 1/3
//!  ✔ Network shop_default  Created                               0.1s
//!  ⠹ Image postgres:15     Pulling [#####     ] 12.3MB / 24.6MB  2.4s
//!  ⠹ Container shop-db-1   Waiting                               0.3s
//! ```

use std::time::Duration;

use anstyle::Style;

use super::event::{Amount, Event, Phase};
use crate::cli::human;
use crate::cli::style::{DONE, ERROR, FAINT, NOTE, Paint, WARNING};
use crate::cli::terminal::Size;

/// Shown one after the other, each for [`SPINNER_STEP`], before what is on its way.
const SPINNER: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const SPINNER_STEP: Duration = Duration::from_millis(100);

/// The state of every thing.
#[derive(Debug)]
pub(super) struct Board {
    title: String,
    paint: Paint,
    /// In the order of their first events.
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    latest: Event,
    /// When it was first heard of.
    begun: Duration,
    /// When it came to where it should be, or failed.
    ended: Option<Duration>,
}

impl Board {
    /// An empty board for the command `title`.
    pub(super) fn new(title: &str, paint: Paint) -> Self {
        Self { title: title.to_owned(), paint, entries: Vec::new() }
    }

    /// Takes `event` in, which happened `now` after the start. A thing that sets out again is timed again.
    pub(super) fn apply(&mut self, event: Event, now: Duration) {
        let ended = (event.status.phase() != Phase::Working).then_some(now);
        match self.entries.iter_mut().find(|entry| entry.latest.id == event.id) {
            Some(entry) => {
                if entry.ended.is_some() && ended.is_none() {
                    entry.begun = now;
                }
                *entry = Entry { latest: event, begun: entry.begun, ended };
            }
            None => self.entries.push(Entry { latest: event, begun: now, ended }),
        }
    }

    /// The lines to show `now`, no more and none longer than fit on the screen: what is done gives way first.
    pub(super) fn frame(&self, now: Duration, size: Size) -> Vec<String> {
        // One line is the title, and the cursor stands on one more below.
        let room = usize::from(size.rows).saturating_sub(2);
        let mut shown: Vec<&Entry> = self.entries.iter().collect();
        let mut surplus = shown.len().saturating_sub(room);
        if surplus > 0 {
            surplus += 1; // for the line that says so
            for droppable in [Phase::Done, Phase::Working, Phase::Warning, Phase::Failed] {
                shown.retain(|entry| {
                    let drop = surplus > 0 && entry.latest.status.phase() == droppable;
                    surplus -= usize::from(drop);
                    !drop
                });
            }
            let hidden = self.entries.len() - shown.len();
            let mut lines = self.lines(&shown, now, size);
            lines.push(fitted(&format!("   … and {hidden} more"), size.columns));
            return lines;
        }
        self.lines(&shown, now, size)
    }

    /// The lines to leave behind: all of them.
    pub(super) fn whole(&self, now: Duration, size: Size) -> Vec<String> {
        self.lines(&self.entries.iter().collect::<Vec<_>>(), now, size)
    }

    fn lines(&self, shown: &[&Entry], now: Duration, size: Size) -> Vec<String> {
        let widest = |text: fn(&Entry) -> usize| shown.iter().map(|entry| text(entry)).max().unwrap_or(0);
        let id_width = widest(|entry| width(&entry.latest.id));
        let text_width = widest(|entry| width(&entry.text()));
        let done = self.entries.iter().filter(|entry| entry.ended.is_some()).count();
        let title = format!("[+] {} {done}/{}", self.title, self.entries.len());
        let mut lines = vec![fitted(&title, size.columns)];
        lines.extend(shown.iter().map(|entry| self.line(entry, now, id_width, text_width, size.columns)));
        lines
    }

    fn line(&self, entry: &Entry, now: Duration, id_width: usize, text_width: usize, columns: u16) -> String {
        let (icon, style) = match entry.latest.status.phase() {
            Phase::Working => (SPINNER[spinner(now)], NOTE),
            Phase::Done => ('✔', DONE),
            Phase::Warning => ('!', WARNING),
            Phase::Failed => ('✘', ERROR),
        };
        let time = format!("{:.1}s", entry.ended.unwrap_or(now).saturating_sub(entry.begun).as_secs_f64());
        // The columns are cut before they are painted: a line that wrapped would be two to the cursor.
        let mut room = usize::from(columns);
        let mut line = String::new();
        for (style, text) in [
            (style, format!(" {icon} ")),
            (Style::new(), format!("{:id_width$}  ", entry.latest.id)),
            (style, format!("{:text_width$}", entry.text())),
            (FAINT, format!("  {time}")),
        ] {
            let text: String = text.chars().take(room).collect();
            room -= width(&text);
            line.push_str(&if style == Style::new() || text.is_empty() { text } else { self.paint.apply(style, text) });
        }
        line
    }
}

impl Entry {
    /// The status and all that is known about it.
    fn text(&self) -> String {
        let mut text = self.latest.status.to_string();
        if let (Some(amount), Phase::Working) = (self.latest.amount, self.latest.status.phase()) {
            text = format!("{text} {}", bar(amount));
        }
        match self.latest.detail.lines().next() {
            Some(detail) => format!("{text} {detail}"),
            None => text,
        }
    }
}

/// How much of an amount is there: `[#####     ] 12.3MB / 24.6MB`.
fn bar(amount: Amount) -> String {
    const WIDTH: u64 = 20;
    let current = human::size(amount.current);
    match amount.total {
        Some(total) if total > 0 => {
            let filled = u128::from(amount.current.min(total)) * u128::from(WIDTH) / u128::from(total);
            let filled = usize::try_from(filled).unwrap_or(0);
            format!("[{:20}] {current} / {}", "#".repeat(filled), human::size(total))
        }
        _ => current,
    }
}

fn spinner(now: Duration) -> usize {
    let steps = now.as_millis() / SPINNER_STEP.as_millis();
    usize::try_from(steps % SPINNER.len() as u128).unwrap_or(0)
}

/// How wide `text` is on a terminal, taking every character for one column.
fn width(text: &str) -> usize {
    text.chars().count()
}

fn fitted(text: &str, columns: u16) -> String {
    text.chars().take(columns.into()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::progress::Status;

    const WIDE: Size = Size { columns: 80, rows: 24 };

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn board() -> Board {
        let mut board = Board::new("up", Paint::PLAIN);
        let pulling = Event::new("Image postgres:15", Status::Pulling);
        board.apply(Event::new("Network shop_default", Status::Creating), at(0));
        board.apply(Event::new("Network shop_default", Status::Created), at(100));
        board.apply(pulling.clone(), at(100));
        board.apply(
            Event { amount: Some(Amount { current: 12_300_000, total: Some(24_600_000) }), ..pulling },
            at(1500),
        );
        board.apply(Event::new("Container shop-db-1", Status::Waiting), at(1400));
        board.apply(Event::new("Container shop-web-1", Status::Error).with_detail("port in use\nmore"), at(1500));
        board
    }

    fn text(lines: &[String]) -> String {
        lines.join("\n")
    }

    #[test]
    fn every_thing_has_a_line() {
        insta::assert_snapshot!(text(&board().frame(at(1700), WIDE)), @"
        [+] up 2/4
         ✔ Network shop_default  Created                                         0.1s
         ⠧ Image postgres:15     Pulling [##########          ] 12.3MB / 24.6MB  1.6s
         ⠧ Container shop-db-1   Waiting                                         0.3s
         ✘ Container shop-web-1  Error port in use                               0.0s
        ");
    }

    #[test]
    fn no_line_is_longer_than_the_screen() {
        insta::assert_snapshot!(text(&board().frame(at(1700), Size { columns: 30, rows: 24 })), @"
        [+] up 2/4
         ✔ Network shop_default  Creat
         ⠧ Image postgres:15     Pulli
         ⠧ Container shop-db-1   Waiti
         ✘ Container shop-web-1  Error
        ");
        for columns in 1..80 {
            let lines = board().frame(at(0), Size { columns, rows: 24 });
            assert!(lines.iter().all(|line| width(line) <= columns.into()), "{columns}");
        }
    }

    #[test]
    fn what_is_done_gives_way_on_a_low_screen() {
        insta::assert_snapshot!(text(&board().frame(at(1700), Size { columns: 80, rows: 5 })), @"
        [+] up 2/4
         ⠧ Container shop-db-1   Waiting            0.3s
         ✘ Container shop-web-1  Error port in use  0.0s
           … and 2 more
        ");
        for rows in 1..10 {
            assert!(board().frame(at(0), Size { rows, ..WIDE }).len() < usize::from(rows.max(3)), "{rows}");
        }
        assert_eq!(board().whole(at(1700), Size { columns: 80, rows: 5 }).len(), 5);
    }

    #[test]
    fn a_thing_that_sets_out_again_is_timed_again() {
        let mut board = Board::new("down", Paint::PLAIN);
        for (status, time) in [(Status::Stopping, 0), (Status::Stopped, 1000), (Status::Removing, 3000)] {
            board.apply(Event::new("Container shop-db-1", status), at(time));
        }
        insta::assert_snapshot!(text(&board.frame(at(3200), WIDE)), @"
        [+] down 0/1
         ⠹ Container shop-db-1  Removing  0.2s
        ");
    }

    #[test]
    fn colours_tell_the_phases_apart() {
        let mut board = Board::new("up", Paint::COLOURED);
        for (id, status) in [("a", Status::Started), ("b", Status::Starting), ("c", Status::Error)] {
            board.apply(Event::new(id, status), at(0));
        }
        insta::assert_snapshot!(text(&board.frame(at(0), WIDE)).replace('\x1b', "^"), @"
        [+] up 2/3
        ^[32m ✔ ^[0ma  ^[32mStarted ^[0m^[34m  0.0s^[0m
        ^[36m ⠋ ^[0mb  ^[36mStarting^[0m^[34m  0.0s^[0m
        ^[1m^[31m ✘ ^[0mc  ^[1m^[31mError   ^[0m^[34m  0.0s^[0m
        ");
    }
}
