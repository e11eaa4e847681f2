/// Lets only so many end-to-end tests run at once: each starts processes, and the machine has few cores.
///
/// A test takes a number of permits, first come, first served; one that measures takes all of them and is alone then.
actor EndToEndGate {
    static let shared = EndToEndGate()
    static let permits = 4

    private var free = EndToEndGate.permits
    private var waiting: [(weight: Int, resume: CheckedContinuation<Void, Never>)] = []

    /// Waits for `weight` permits.
    func enter(weight: Int) async {
        if waiting.isEmpty && free >= weight {
            free -= weight
            return
        }
        // `leave` takes the permits for whom it wakes.
        await withCheckedContinuation { waiting.append((weight, $0)) }
    }

    /// Gives `weight` permits back.
    func leave(weight: Int) {
        free += weight
        while let next = waiting.first, free >= next.weight {
            free -= next.weight
            waiting.removeFirst().resume.resume()
        }
    }
}
