"""Names derived from classes are provisional until a network is built."""

import dendrion as dn


def test_asking_for_a_path_fixes_no_name(pair):
    first, second = pair(1), pair(1)
    assert first.path == second.path == "pair"
    dn.Network([first, second])
    assert {first.path, second.path} == {"pair", "pair_1"}

    class Asked(dn.MCNeuron):
        def __init__(self):
            super().__init__(1)
            soma = dn.LeakyIF(1)
            assert soma.path == "asked/leakyif"
            self.soma = soma

    assert Asked().soma.path == "asked/soma"
