import FoundationEssentials

/// A directory of its own for one test, gone when the test is.
package struct TemporaryDirectory: Sendable {
    package let path: String

    /// Runs `body` with a fresh, empty directory, and deletes it afterwards.
    package static func with<Value>(_ body: (TemporaryDirectory) async throws -> Value) async throws -> Value {
        let directory = TemporaryDirectory(
            path: FileManager.default.temporaryDirectory.path + "/socket-warp-" + UUID().uuidString
        )
        try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(directory))
        } catch {
            result = .failure(error)
        }
        try FileManager.default.removeItem(atPath: directory.path)
        return try result.get()
    }

    /// Writes a file, with the folders above it.
    ///
    /// - Returns: Its full path.
    @discardableResult
    package func write(_ text: String, to name: String) throws -> String {
        let file = "\(path)/\(name)"
        if let slash = file.lastIndex(of: "/") {
            try FileManager.default.createDirectory(
                atPath: String(file[..<slash]),
                withIntermediateDirectories: true
            )
        }
        try Data(text.utf8).write(to: URL(filePath: file))
        return file
    }
}
