package consumers

import (
	"fmt"
	"os"
	"strconv"
	"testing"
)

func TestDbg(t *testing.T) {
	seed, _ := strconv.ParseUint(os.Getenv("DBG"), 10, 64)
	dbg = true
	fmt.Println(history(seed, map[string]int{}))
}
