package main

import "testing"

func TestDense(t *testing.T) {
	for _, c := range []struct {
		name    string
		numbers []int64
		want    bool
	}{
		{"none", nil, true},
		{"any order", []int64{3, 1, 2}, true},
		{"a hole", []int64{1, 2, 4}, false},
		{"given twice", []int64{1, 2, 2}, false},
		{"not from 1", []int64{0, 1, 2}, false},
	} {
		if err := dense(c.numbers); (err == nil) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
