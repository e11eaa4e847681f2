/// Why a transfer did not come to its end.
enum TransferFailure: Error {
    case noHandshake
    case connectionClosed
    /// Both ends wait for each other.
    case nothingToSay
}
