//! Server-sent events, read as they arrive.

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The `id:` line, empty when there was none.
    pub id: String,
    /// The `event:` line; `message` when there was none, as the standard says.
    pub name: String,
    /// The `data:` lines, joined with line feeds.
    pub data: String,
}

/// Turns bytes, cut anywhere, into events.
#[derive(Debug, Default)]
pub struct Parser {
    buffer: Vec<u8>,
}

impl Parser {
    /// Takes the next bytes and returns the events they complete. Comments and blocks without data give none.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.buffer.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
            let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
            events.extend(parse_block(&String::from_utf8_lossy(&block)));
        }
        events
    }
}

fn parse_block(block: &str) -> Option<Event> {
    let mut event = Event {
        id: String::new(),
        name: "message".to_owned(),
        data: String::new(),
    };
    let mut data = Vec::new();
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => event.id = value.to_owned(),
            "event" => event.name = value.to_owned(),
            "data" => data.push(value),
            _ => {}
        }
    }
    event.data = data.join("\n");
    (!data.is_empty()).then_some(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_cut_in_the_middle_of_a_character_arrives_whole() {
        let text = "id: 7\nevent: delta\ndata: {\"text\":\"Grüße\"}\n\n".as_bytes();
        let cut = text.iter().position(|byte| *byte == 0xc3).unwrap() + 1;
        let mut parser = Parser::default();
        assert_eq!(parser.push(&text[..cut]), []);
        let expected = Event {
            id: "7".into(),
            name: "delta".into(),
            data: "{\"text\":\"Grüße\"}".into(),
        };
        assert_eq!(parser.push(&text[cut..]), [expected]);
    }

    #[test]
    fn comments_are_no_events_and_data_lines_are_joined() {
        let mut parser = Parser::default();
        let events = parser.push(b": keep-alive\n\ndata: one\ndata: two\n\n");
        assert_eq!(
            events,
            [Event {
                id: String::new(),
                name: "message".into(),
                data: "one\ntwo".into()
            }]
        );
    }
}
