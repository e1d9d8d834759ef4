//! SignDate: exactly `dd.MM.yyyy` or `dd.MM.yyyy HH:mm:ss`, a moment that exists.

/// Why a text is no SignDate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DateFault {
    /// `01.01.1900` means "empty" in the API that the method belongs to.
    Empty,
    /// Another form, or a moment that does not exist.
    Impossible,
}

/// Judges the text; it is kept as it came all the same.
pub(crate) fn check(text: &str) -> Result<(), DateFault> {
    let bytes = text.as_bytes();
    let (date, time) = match bytes.len() {
        10 => (bytes, None),
        19 if bytes[10] == b' ' => (&bytes[..10], Some(&bytes[11..])),
        _ => return Err(DateFault::Impossible),
    };
    let [day, month, year] = numbers(date, b'.', [2, 2, 4]).ok_or(DateFault::Impossible)?;
    let exists = (1..=12).contains(&month) && year >= 1 && (1..=days(month, year)).contains(&day);
    let time_exists = match time {
        None => true,
        Some(time) => numbers(time, b':', [2, 2, 2])
            .is_some_and(|[hour, minute, second]| hour < 24 && minute < 60 && second < 60),
    };
    if !exists || !time_exists {
        return Err(DateFault::Impossible);
    }
    if (day, month, year) == (1, 1, 1900) {
        return Err(DateFault::Empty);
    }
    Ok(())
}

/// Three numbers of so many ASCII digits each, between separators.
fn numbers(bytes: &[u8], separator: u8, widths: [usize; 3]) -> Option<[u32; 3]> {
    let mut parts = bytes.split(|byte| *byte == separator);
    let mut found = [0; 3];
    for (number, width) in found.iter_mut().zip(widths) {
        let part = parts.next().filter(|part| part.len() == width)?;
        for digit in part {
            *number = 10 * *number + char::from(*digit).to_digit(10)?;
        }
    }
    parts.next().is_none().then_some(found)
}

fn days(month: u32, year: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Seconds since 1970 in the form of the API (`dd.MM.yyyy HH:mm:ss`, UTC).
#[must_use]
pub fn show(seconds: i64) -> String {
    let (day, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(day);
    format!(
        "{day:02}.{month:02}.{year:04} {:02}:{:02}:{:02}",
        second / 3_600,
        second / 60 % 60,
        second % 60
    )
}

/// The Gregorian date of a day counted from 1970-01-01, by counting years and months from 1 March of the year 0 (a leap day then ends its year).
fn civil(day: i64) -> (i64, i64, i64) {
    let from_march = day + 719_468;
    let (era, of_era) = (from_march.div_euclid(146_097), from_march.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_that_exist_are_taken_in_two_forms_alone() {
        for fine in [
            "01.01.2024",
            "01.01.2024 00:00:00",
            "29.02.2024 23:59:59",
            "29.02.2000",
            "31.12.9999",
            "02.01.1900",
            "01.01.0001",
        ] {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
        for empty in ["01.01.1900", "01.01.1900 00:00:00", "01.01.1900 12:00:00"] {
            assert_eq!(check(empty), Err(DateFault::Empty), "{empty}");
        }
    }

    #[test]
    fn the_year_1970_and_leap_days_are_shown_as_they_are() {
        for (seconds, shown) in [
            (0, "01.01.1970 00:00:00"),
            (-1, "31.12.1969 23:59:59"),
            (951_782_400, "29.02.2000 00:00:00"),
            (1_704_067_200, "01.01.2024 00:00:00"),
            (1_772_323_199, "28.02.2026 23:59:59"),
            (1_772_323_200, "01.03.2026 00:00:00"),
            (4_107_542_400, "01.03.2100 00:00:00"),
        ] {
            assert_eq!(show(seconds), shown);
        }
    }
}
