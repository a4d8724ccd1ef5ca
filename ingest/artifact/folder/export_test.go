package folder

// Swept waits until the folder has removed what an earlier process left.
func Swept(s *Folder) { <-s.swept }

// SetPageMax sets the size of a page of a listing and gives the way back.
func SetPageMax(n int) (reset func()) {
	before := pageMax
	pageMax = n
	return func() { pageMax = before }
}
