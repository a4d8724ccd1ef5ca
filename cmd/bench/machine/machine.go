// Package machine says what is measured on.
package machine

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Said says what was measured on, and with what.
func Said() string {
	said := fmt.Sprintf("Machine: %d cores", runtime.NumCPU())
	if model := lineOf("/proc/cpuinfo", "model name"); model != "" {
		said += " of " + model
	}
	var kib int
	if _, err := fmt.Sscan(lineOf("/proc/meminfo", "MemTotal"), &kib); err == nil {
		said += fmt.Sprintf(", %.0f GiB", float64(kib)/(1<<20))
	}
	return said + fmt.Sprintf(", %s/%s, %s; servers and load generator share it.", runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// lineOf is what a line of a file of the kernel says behind the colon; "" where there is no such file.
func lineOf(file, name string) string {
	b, _ := os.ReadFile(file)
	for line := range strings.Lines(string(b)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
