//! The one thing that has to be counted in large numbers: what files of RSA keys leave out.

/// `number` modulo `modulus - 1`, high byte first; `modulus` is odd, as primes are.
pub(super) fn modulo_less_one(number: &[u8], modulus: &[u8]) -> Vec<u8> {
    let mut divisor = modulus.to_vec();
    if let Some(last) = divisor.last_mut() {
        *last &= !1;
    }
    // One byte more: twice what is less than the divisor.
    divisor.insert(0, 0);
    let mut rest = vec![0; divisor.len()];
    for byte in number {
        for bit in (0..8).rev() {
            double(&mut rest, byte >> bit & 1);
            if rest >= divisor {
                subtract(&mut rest, &divisor);
            }
        }
    }
    rest
}

fn double(number: &mut [u8], mut carry: u8) {
    for byte in number.iter_mut().rev() {
        let next = *byte >> 7;
        *byte = *byte << 1 | carry;
        carry = next;
    }
}

fn subtract(from: &mut [u8], number: &[u8]) {
    let mut borrowed = false;
    for (byte, less) in from.iter_mut().zip(number).rev() {
        let (once, under) = byte.overflowing_sub(*less);
        let (twice, again) = once.overflowing_sub(u8::from(borrowed));
        *byte = twice;
        borrowed = under || again;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_a_division() {
        for (number, modulus) in
            [(1_000_000_007_u64, 97_u64), (12, 13), (13, 13), (0, 3), (u64::MAX, 65_521), (255, 257)]
        {
            let rest = modulo_less_one(&number.to_be_bytes(), &modulus.to_be_bytes());
            let rest = rest.iter().fold(0_u64, |rest, byte| rest << 8 | u64::from(*byte));
            assert_eq!(rest, number % (modulus - 1), "{number} {modulus}");
        }
    }
}
