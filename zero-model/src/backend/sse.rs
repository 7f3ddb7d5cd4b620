//! Server-sent events, as far as streamed answers use them: lines `data: …`, a blank line after each event.

/// Splits a stream into the data of its events. What it keeps is bounded by the longest line.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    data: String,
}

/// A line or an event is longer than anything that a model says at once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Bytes of one event.
pub(super) const MAX_EVENT: usize = 1 << 20;

impl Events {
    /// Takes bytes and gives the events that they complete.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<String>, TooLong> {
        let mut events = Vec::new();
        for byte in bytes {
            if *byte != b'\n' {
                if self.line.len() >= MAX_EVENT {
                    return Err(TooLong);
                }
                self.line.push(*byte);
                continue;
            }
            let line = std::mem::take(&mut self.line);
            let line = String::from_utf8_lossy(&line);
            self.line(line.trim_end_matches('\r'), &mut events)?;
        }
        Ok(events)
    }

    fn line(&mut self, line: &str, events: &mut Vec<String>) -> Result<(), TooLong> {
        if line.is_empty() {
            if !self.data.is_empty() {
                events.push(std::mem::take(&mut self.data));
            }
            return Ok(());
        }
        // Comments begin with a colon; other fields than `data` mean nothing here.
        let Some(data) = line.strip_prefix("data:") else {
            return Ok(());
        };
        if self.data.len() + data.len() > MAX_EVENT {
            return Err(TooLong);
        }
        if !self.data.is_empty() {
            self.data.push('\n');
        }
        self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
        Ok(())
    }

    /// The end of the stream: what is left of an event without its blank line.
    pub(super) fn end(mut self) -> Option<String> {
        let line = String::from_utf8_lossy(&self.line).into_owned();
        let mut events = Vec::new();
        self.line.clear();
        let _ = self.line(line.trim_end_matches('\r'), &mut events);
        Some(self.data).filter(|data| !data.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str =
        ": hello\r\ndata: {\"a\":1}\r\n\r\nevent: x\ndata: two\ndata:lines\n\ndata: [DONE]\n\n";

    #[test]
    fn events_are_the_same_however_the_bytes_arrive() {
        let whole = Events::default().push(STREAM.as_bytes());
        assert_eq!(
            whole,
            Ok(vec![
                "{\"a\":1}".to_owned(),
                "two\nlines".to_owned(),
                "[DONE]".to_owned()
            ])
        );
        let mut events = Events::default();
        let single: Vec<String> = STREAM
            .bytes()
            .flat_map(|byte| events.push(&[byte]).expect("it is short"))
            .collect();
        assert_eq!(Ok(single), whole);
    }

    #[test]
    fn an_endless_line_is_refused() {
        let mut events = Events::default();
        let mut pushed = 0;
        while events.push(&[b'x'; 4096]).is_ok() {
            pushed += 4096;
            assert!(pushed <= MAX_EVENT);
        }
    }

    #[test]
    fn the_last_event_needs_no_blank_line() {
        let mut events = Events::default();
        assert_eq!(events.push(b"data: x"), Ok(Vec::new()));
        assert_eq!(events.end().as_deref(), Some("x"));
        assert_eq!(Events::default().end(), None);
    }
}
