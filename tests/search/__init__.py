"""What a search finds, judged by what people want."""
