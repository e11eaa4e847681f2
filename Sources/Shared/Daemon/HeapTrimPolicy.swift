/// When freed memory is to be given back: once enough of it has lain unused between two looks.
///
/// malloc goes on counting what it has given back as free, until it is used again. So what counts is how far the free bytes
/// rose above their lowest since the last time.
struct HeapTrimPolicy: Equatable {
    private let worthwhileBytes: Int
    /// The least that was free since the last trim: given back already, or too little to be.
    private var floor = 0
    private var previous = 0

    init(worthwhileBytes: Int) {
        self.worthwhileBytes = worthwhileBytes
    }

    /// - Parameter freeBytes: what malloc holds of freed memory now.
    mutating func shouldTrim(freeBytes: Int) -> Bool {
        let unused = min(previous, freeBytes)
        previous = freeBytes
        floor = min(floor, freeBytes)
        guard unused - floor >= worthwhileBytes else { return false }
        floor = freeBytes
        return true
    }
}
