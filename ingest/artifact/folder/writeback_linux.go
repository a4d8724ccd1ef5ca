//go:build amd64 || arm64

package folder

import (
	"os"
	"syscall"
)

// syncFileRangeWrite is SYNC_FILE_RANGE_WRITE of sync_file_range(2).
const syncFileRangeWrite = 2

// writeBack has the system begin to write what a file got since an offset, so that the sync at its end finds little
// to do. It is a hint: whether it was heard, the sync will tell.
func writeBack(f *os.File, from, to int64) {
	_ = syscall.SyncFileRange(int(f.Fd()), from, to-from, syncFileRangeWrite)
}
