package artifact

// Swept waits until the store has removed what an earlier process left.
func Swept(s *Store) { <-s.swept }
