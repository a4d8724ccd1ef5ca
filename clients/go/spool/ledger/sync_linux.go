package ledger

import (
	"os"
	"syscall"
)

// syncData brings a file's bytes to the disk, and not its times.
func syncData(f *os.File) error {
	return os.NewSyscallError("fdatasync", syscall.Fdatasync(int(f.Fd())))
}
