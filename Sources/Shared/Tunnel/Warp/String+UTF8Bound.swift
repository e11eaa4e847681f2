extension String {
    /// The longest beginning of whole characters that has at most `limit` UTF-8 bytes.
    func prefix(maximumUTF8Bytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var count = 0
        return String(
            prefix { character in
                count += character.utf8.count
                return count <= limit
            }
        )
    }
}
