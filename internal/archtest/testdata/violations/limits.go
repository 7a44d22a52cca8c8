package violations

// Screen fits.
func Screen(n int) int {
	n += 1
	n += 2
	n += 3
	n += 4
	n += 5
	n += 6
	n += 7
	n += 8
	n += 9
	n += 10
	n += 11
	n += 12
	n += 13
	n += 14
	n += 15
	n += 16
	n += 17
	n += 18
	n += 19
	n += 20
	n += 21
	n += 22
	n += 23
	n += 24
	n += 25
	n += 26
	n += 27
	n += 28
	n += 29
	n += 30
	n += 31
	n += 32
	n += 33
	n += 34
	n += 35
	n += 36
	n += 37
	n += 38
	n += 39
	n += 40
	n += 41
	n += 42
	n += 43
	n += 44
	n += 45
	n += 46
	n += 47
	n += 48
	n += 49
	n += 50
	n += 51
	n += 52
	n += 53
	n += 54
	n += 55
	n += 56
	n += 57
	n += 58
	n += 59
	n += 60
	n += 61
	n += 62
	n += 63
	n += 64
	n += 65
	n += 66
	n += 67
	n += 68
	n += 69
	n += 70
	n += 71
	n += 72
	n += 73
	n += 74
	n += 75
	n += 76
	n += 77
	n += 78
	n += 79
	return n
}

// Scroll is one line too long: funlen.
func Scroll(n int) int {
	n += 1
	n += 2
	n += 3
	n += 4
	n += 5
	n += 6
	n += 7
	n += 8
	n += 9
	n += 10
	n += 11
	n += 12
	n += 13
	n += 14
	n += 15
	n += 16
	n += 17
	n += 18
	n += 19
	n += 20
	n += 21
	n += 22
	n += 23
	n += 24
	n += 25
	n += 26
	n += 27
	n += 28
	n += 29
	n += 30
	n += 31
	n += 32
	n += 33
	n += 34
	n += 35
	n += 36
	n += 37
	n += 38
	n += 39
	n += 40
	n += 41
	n += 42
	n += 43
	n += 44
	n += 45
	n += 46
	n += 47
	n += 48
	n += 49
	n += 50
	n += 51
	n += 52
	n += 53
	n += 54
	n += 55
	n += 56
	n += 57
	n += 58
	n += 59
	n += 60
	n += 61
	n += 62
	n += 63
	n += 64
	n += 65
	n += 66
	n += 67
	n += 68
	n += 69
	n += 70
	n += 71
	n += 72
	n += 73
	n += 74
	n += 75
	n += 76
	n += 77
	n += 78
	n += 79
	n += 80
	return n
}

// Paths has 12 paths.
func Paths(n int) int {
	if n == 1 {
		return 2
	}
	if n == 2 {
		return 5
	}
	if n == 3 {
		return 10
	}
	if n == 4 {
		return 17
	}
	if n == 5 {
		return 26
	}
	if n == 6 {
		return 37
	}
	if n == 7 {
		return 50
	}
	if n == 8 {
		return 65
	}
	if n == 9 {
		return 82
	}
	if n == 10 {
		return 101
	}
	if n == 11 {
		return 122
	}
	return n
}

// Maze has 13 paths: gocyclo.
func Maze(n int) int {
	if n == 1 {
		return 2
	}
	if n == 2 {
		return 5
	}
	if n == 3 {
		return 10
	}
	if n == 4 {
		return 17
	}
	if n == 5 {
		return 26
	}
	if n == 6 {
		return 37
	}
	if n == 7 {
		return 50
	}
	if n == 8 {
		return 65
	}
	if n == 9 {
		return 82
	}
	if n == 10 {
		return 101
	}
	if n == 11 {
		return 122
	}
	if n == 12 {
		return 145
	}
	return n
}

// Five takes as many parameters as a caller can order.
func Five(a, b, c, d, e int) int { return a + b + c + d + e }

// Six takes one more: revive.
func Six(a, b, c, d, e, f int) int { return a + b + c + d + e + f }
