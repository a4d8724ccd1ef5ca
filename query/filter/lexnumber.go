package filter

import "unicode/utf8"

type numeral struct {
	class  class
	length int
}

// number reads a number with its sign. A name cannot follow at once: then fewer digits are read, or none,
// as sqlparse's expressions do. An exponent has no plus and may be followed by anything.
func (l *lexer) number(s string) numeral {
	i := 0
	if s[0] == '-' {
		i = 1
	}
	if n := hexLength(s[i:]); n > 0 {
		return numeral{hex, i + n}
	}
	digits := digitsLength(s[i:])
	point := 0
	if i+digits < len(s) && s[i+digits] == '.' {
		point = 1
	}
	decimals := 0
	if point == 1 {
		decimals = digitsLength(s[i+digits+1:])
	}
	if n := exponentLength(s[i:], digits, decimals); n > 0 {
		return numeral{fraction, i + n}
	}
	if point == 1 && digits+decimals > 0 {
		least := i + digits + 1
		if digits == 0 {
			least++
		}
		for n := i + digits + 1 + decimals; n >= least; n-- {
			if !nameAt(s, n) {
				return numeral{fraction, n}
			}
		}
	}
	for n := i + digits; n > i; n-- {
		if !nameAt(s, n) {
			return numeral{whole, n}
		}
	}
	return numeral{}
}

// exponentLength is the length of digits[.decimals]E[-]digits, 0 if s does not begin so.
func exponentLength(s string, digits, decimals int) int {
	if digits == 0 {
		return 0
	}
	for _, n := range []int{digits + 1 + decimals, digits} {
		if n == digits+1 && decimals == 0 || n >= len(s) || s[n]|0x20 != 'e' {
			continue
		}
		n++
		if n < len(s) && s[n] == '-' {
			n++
		}
		if d := digitsLength(s[n:]); d > 0 {
			return n + d
		}
	}
	return 0
}

func digitsLength(s string) int {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n
}

func hexLength(s string) int {
	if len(s) < 3 || s[0] != '0' || s[1]|0x20 != 'x' {
		return 0
	}
	n := 2
	for n < len(s) && (digitsLength(s[n:n+1]) == 1 || 'a' <= s[n]|0x20 && s[n]|0x20 <= 'f') {
		n++
	}
	if n == 2 {
		return 0
	}
	return n
}

func nameAt(s string, n int) bool {
	r, _ := utf8.DecodeRuneInString(s[n:])
	return r == '_' || isLetter(r)
}
