"""The contenders: one small script each, written the way its documentation teaches."""
