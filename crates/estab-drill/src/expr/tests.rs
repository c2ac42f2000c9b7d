use super::*;

struct Known;

impl Names for Known {
    fn value(&self, name: &str) -> Result<Value, String> {
        match name {
            "tcpi_unacked" => Ok(Value::Int(7)),
            "TCP_CA_Open" => Ok(Value::Int(0)),
            _ => Err(format!("name '{name}' is not known")),
        }
    }
}

fn run(code: &str) -> Result<(), (u32, String)> {
    Interpreter::default().run(code, &Known)
}

#[test]
fn what_is_true_holds() {
    for code in [
        "assert tcpi_unacked == 7",
        "assert 5 <= tcpi_unacked < 8, tcpi_unacked",
        "assert not (tcpi_unacked != 7 or False) and True",
        "assert tcpi_unacked in (5, 7)",
        "assert -7 // 2 == -4 and -7 % 3 == 2 and 7 / 2 == 3.5",
        "assert 1 + 2 * 3 == 7 and 2 ** 3 ** 2 == 512 and 6 | 1 == 7",
        "assert (1 << 4 | 3) & 0x1f == 19",
        "assert abs(-3) == 3 and max(1, 5, 2) == 5 and min(4, 2) == 2",
        "assert 1 if TCP_CA_Open else 2",
        "a = tcpi_unacked\nassert a == 7; b = a * 2\nassert b == 14",
        "assert (tcpi_unacked ==\n  7)  # over two lines",
        "assert 'x' == \"x\"",
    ] {
        assert_eq!(run(code), Ok(()), "{code}");
    }
}

#[test]
fn what_is_false_fails_with_its_values_and_line() {
    let (line, message) = run("\nassert tcpi_unacked == 8, 'too few'").unwrap_err();
    assert_eq!(line, 1);
    for part in ["tcpi_unacked == 8", "tcpi_unacked = 7", "too few"] {
        assert!(message.contains(part), "{message}");
    }
    for code in [
        "assert 7 < tcpi_unacked < 9",
        "assert 0",
        "assert 1 == 1 and 1 == 2",
    ] {
        assert!(run(code).is_err(), "{code}");
    }
}

#[test]
fn what_is_not_python_or_not_known_fails() {
    for code in [
        "assert tcpi_blub == 1",
        "if 1: assert 1",
        "import os",
        "assert 1 ==",
        "assert (1",
        "assert 1 1",
        "assert 1 / 0",
        "assert 'a' - 1",
        "assert foo(1)",
        "assert 'open",
        "assert 1 ? 2",
    ] {
        assert!(run(code).is_err(), "{code}");
    }
}

#[test]
fn names_and_prints_outlive_their_block() {
    let mut interpreter = Interpreter::default();
    interpreter
        .run("before = tcpi_unacked; print(before, 'it is')", &Known)
        .unwrap();
    interpreter.run("assert before == 7", &Known).unwrap();
    assert_eq!(interpreter.printed, ["7 it is"]);
}
