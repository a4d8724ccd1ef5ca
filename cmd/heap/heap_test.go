package heap

import "testing"

func TestTheHeapsLimitLeavesRoomAboveWhatLives(t *testing.T) {
	for live, want := range map[uint64]int64{0: soft, 400 << 20: soft, 1000 << 20: 1300 << 20} {
		if got := limit(live); got != want {
			t.Errorf("%d bytes live: limit %d, want %d", live, got, want)
		}
	}
}
