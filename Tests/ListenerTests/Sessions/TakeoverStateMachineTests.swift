import TestSupport
import Testing

@testable import Listener

@Suite("TakeoverStateMachine")
struct TakeoverStateMachineTests {
    typealias Machine = TakeoverStateMachine<String>
    typealias Action = Machine.Action

    /// Everything that can happen to a client UID. Its holder is "h", who contests it "n"; "x" is new, "s" a stranger.
    enum Event: Hashable, Sendable, CaseIterable {
        case newcomer, newcomerWhileDraining, sameInstance, sameInstanceWhileDraining
        case answered, answeredForAnother, silent, silentForAnother
        case holderEnded, newcomerEnded, strangerEnded

        func apply(to machine: inout Machine) -> [Action] {
            switch self {
            case .newcomer: machine.newcomer("x", isSameInstance: false, holderIsDraining: false)
            case .newcomerWhileDraining: machine.newcomer("x", isSameInstance: false, holderIsDraining: true)
            case .sameInstance: machine.newcomer("x", isSameInstance: true, holderIsDraining: false)
            case .sameInstanceWhileDraining: machine.newcomer("x", isSameInstance: true, holderIsDraining: true)
            case .answered: machine.holderAnswered(for: "n")
            case .answeredForAnother: machine.holderAnswered(for: "s")
            case .silent: machine.holderStaysSilent(for: "n")
            case .silentForAnother: machine.holderStaysSilent(for: "s")
            case .holderEnded: machine.ended("h")
            case .newcomerEnded: machine.ended("n")
            case .strangerEnded: machine.ended("s")
            }
        }
    }

    /// The states under a policy.
    enum State: Hashable, Sendable, CaseIterable {
        case vacant, vacantForNewest, held, heldForNewest, contested

        var machine: Machine {
            var machine = Machine(policy: self == .vacantForNewest || self == .heldForNewest ? .newest : .probe)
            switch self {
            case .vacant, .vacantForNewest: break
            case .held, .heldForNewest:
                _ = machine.newcomer("h", isSameInstance: false, holderIsDraining: false)
            case .contested:
                _ = machine.newcomer("h", isSameInstance: false, holderIsDraining: false)
                _ = machine.newcomer("n", isSameInstance: false, holderIsDraining: false)
            }
            return machine
        }
    }

    /// What an event leads to: the actions, and the state after them as holder and contesting newcomer.
    struct Outcome: Hashable, Sendable {
        let actions: [Action]
        let holder: String?
        var contestedBy: String?
    }

    /// The rows in which something happens; whatever is missing does nothing.
    static let table: [State: [Event: Outcome]] = [
        .vacant: [
            .newcomer: Outcome(actions: [.bind("x")], holder: "x"),
            .newcomerWhileDraining: Outcome(actions: [.bind("x")], holder: "x"),
            .sameInstance: Outcome(actions: [.bind("x")], holder: "x"),
            .sameInstanceWhileDraining: Outcome(actions: [.bind("x")], holder: "x"),
        ],
        .vacantForNewest: [
            .newcomer: Outcome(actions: [.bind("x")], holder: "x"),
            .newcomerWhileDraining: Outcome(actions: [.bind("x")], holder: "x"),
            .sameInstance: Outcome(actions: [.bind("x")], holder: "x"),
            .sameInstanceWhileDraining: Outcome(actions: [.bind("x")], holder: "x"),
        ],
        .held: [
            .newcomer: Outcome(actions: [.probe("h", for: "x")], holder: "h", contestedBy: "x"),
            .newcomerWhileDraining: Outcome(actions: [.supersede("h", by: "x")], holder: "x"),
            .sameInstance: Outcome(actions: [.replace("h", by: "x")], holder: "x"),
            .sameInstanceWhileDraining: Outcome(actions: [.replace("h", by: "x")], holder: "x"),
            .holderEnded: Outcome(actions: [], holder: nil),
        ],
        .heldForNewest: [
            .newcomer: Outcome(actions: [.replace("h", by: "x")], holder: "x"),
            .newcomerWhileDraining: Outcome(actions: [.supersede("h", by: "x")], holder: "x"),
            .sameInstance: Outcome(actions: [.replace("h", by: "x")], holder: "x"),
            .sameInstanceWhileDraining: Outcome(actions: [.replace("h", by: "x")], holder: "x"),
            .holderEnded: Outcome(actions: [], holder: nil),
        ],
        .contested: [
            .newcomer: Outcome(actions: [.refuse("x")], holder: "h", contestedBy: "n"),
            .newcomerWhileDraining: Outcome(actions: [.refuse("x")], holder: "h", contestedBy: "n"),
            .sameInstance: Outcome(actions: [.replace("h", by: "x"), .refuse("n")], holder: "x"),
            .sameInstanceWhileDraining: Outcome(actions: [.replace("h", by: "x"), .refuse("n")], holder: "x"),
            .answered: Outcome(actions: [.refuse("n")], holder: "h"),
            .silent: Outcome(actions: [.replace("h", by: "n")], holder: "n"),
            .holderEnded: Outcome(actions: [.bind("n")], holder: "n"),
            .newcomerEnded: Outcome(actions: [], holder: "h"),
        ],
    ]

    /// Whom the holder is asked for a sign of life for; nil = no contest.
    private func contender(in machine: Machine) -> String? {
        ["n", "x", "s", "h"].first { name in
            var copy = machine
            return copy.holderAnswered(for: name) != []
        }
    }

    @Test(arguments: State.allCases, Event.allCases)
    func doesWhatTheTableSays(_ state: State, _ event: Event) {
        var machine = state.machine
        let actions = event.apply(to: &machine)
        guard let outcome = Self.table[state]?[event] else {
            #expect(actions == [])
            #expect(machine == state.machine)
            return
        }
        #expect(actions == outcome.actions)
        #expect(machine.holder == outcome.holder)
        #expect(machine.isVacant == (outcome.holder == nil))
        #expect(contender(in: machine) == outcome.contestedBy)
        #expect(machine.isContested == (outcome.contestedBy != nil))
    }

    // The probe of a contest that ended early is still under way when the next contest begins.
    @Test func theProbeOfOneContestDoesNotDecideTheNext() {
        var machine = State.contested.machine
        _ = machine.ended("n")
        #expect(machine.newcomer("m", isSameInstance: false, holderIsDraining: false) == [.probe("h", for: "m")])
        #expect(machine.holderStaysSilent(for: "n") == [])
        #expect(machine.holderAnswered(for: "n") == [])
        #expect(machine.holder == "h")
        #expect(machine.holderStaysSilent(for: "m") == [.replace("h", by: "m")])
    }

    @Test func whatWasReplacedOrSupersededEndsUnnoticed() {
        for isDraining in [false, true] {
            var machine = State.heldForNewest.machine
            _ = machine.newcomer("x", isSameInstance: false, holderIsDraining: isDraining)
            #expect(machine.ended("h") == [])
            #expect(machine.holder == "x")
        }
    }

    @Test func policiesAreNamedAsTheSettingNamesThem() {
        #expect(TakeoverPolicy(rawValue: "probe") == .probe)
        #expect(TakeoverPolicy(rawValue: "newest") == .newest)
        #expect(TakeoverPolicy.allCases.count == 2)
    }

    // MARK: Random walks

    /// The owner of a machine, who does what it says and keeps count.
    private struct Owner {
        enum Fate: Hashable {
            /// Announced; no verdict yet.
            case waiting
            case bound
            case superseded
            /// Replaced or refused: its connection is being closed, and its end is still to come.
            case closing
        }

        var machine: TakeoverStateMachine<Int>
        var generator: SplitMix64
        /// Every connection that is not over.
        var fates: [Int: Fate] = [:]
        var probes: [Int: Int] = [:]
        var count = 0
        var history: [String] = []

        var bound: [Int] { fates.filter { $0.value == .bound }.map(\.key) }
        var waiting: [Int] { fates.filter { $0.value == .waiting }.map(\.key) }

        mutating func carryOut(_ actions: [TakeoverStateMachine<Int>.Action], _ event: String) {
            history.append("\(event): \(actions)")
            for action in actions {
                switch action {
                case .bind(let newcomer):
                    #expect(bound.isEmpty, "\(history.suffix(10))")
                    admit(newcomer)
                case .replace(let holder, let newcomer):
                    leave(holder, .closing)
                    admit(newcomer)
                case .supersede(let holder, let newcomer):
                    leave(holder, .superseded)
                    admit(newcomer)
                case .probe(let holder, let newcomer):
                    #expect(fates[holder] == .bound && fates[newcomer] == .waiting, "\(history.suffix(10))")
                    #expect(probes.updateValue(holder, forKey: newcomer) == nil, "\(history.suffix(10))")
                case .refuse(let newcomer):
                    #expect(fates[newcomer] == .waiting, "\(history.suffix(10))")
                    fates[newcomer] = .closing
                }
            }
        }

        private mutating func admit(_ newcomer: Int) {
            // The one verdict: nothing but a waiting newcomer gets it.
            #expect(fates[newcomer] == .waiting, "\(history.suffix(10))")
            fates[newcomer] = .bound
        }

        private mutating func leave(_ holder: Int, _ fate: Fate) {
            #expect(fates[holder] == .bound, "\(history.suffix(10))")
            fates[holder] = fate
        }

        mutating func step() {
            switch Int.random(in: 0..<10, using: &generator) {
            case 0..<4:
                count += 1
                fates[count] = .waiting
                let isSameInstance = Int.random(in: 0..<4, using: &generator) == 0
                let holderIsDraining = Int.random(in: 0..<4, using: &generator) == 0
                let actions = machine.newcomer(
                    count,
                    isSameInstance: isSameInstance,
                    holderIsDraining: holderIsDraining
                )
                carryOut(actions, "newcomer \(count)")
            case 4..<7:
                // Answers come late as well, when their contest is over.
                guard let newcomer = probes.keys.sorted().randomElement(using: &generator) else { return }
                probes[newcomer] = nil
                if Bool.random(using: &generator) {
                    carryOut(machine.holderAnswered(for: newcomer), "answered for \(newcomer)")
                } else {
                    carryOut(machine.holderStaysSilent(for: newcomer), "silent for \(newcomer)")
                }
            default:
                guard let session = fates.keys.sorted().randomElement(using: &generator) else { return }
                fates[session] = nil
                carryOut(machine.ended(session), "ended \(session)")
            }
        }
    }

    @Test(arguments: TakeoverPolicy.allCases, 0..<100)
    func thereIsOneHolderAndEachNewcomerGetsOneVerdict(policy: TakeoverPolicy, seed: UInt64) {
        var owner = Owner(machine: TakeoverStateMachine(policy: policy), generator: SplitMix64(state: seed))
        for _ in 0..<500 {
            owner.step()
            #expect(owner.bound == (owner.machine.holder.map { [$0] } ?? []), "\(owner.history.suffix(10))")
            #expect(owner.machine.isVacant == owner.bound.isEmpty)
            // Nobody waits without a holder who is asked for him, and nobody waits behind another.
            #expect(owner.waiting.count <= (policy == .probe ? 1 : 0), "\(owner.history.suffix(10))")
            #expect(owner.waiting.allSatisfy { owner.probes[$0] == owner.machine.holder })
        }
    }
}
