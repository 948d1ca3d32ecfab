# MUTANT 3.14 evaluate.py — the result has another type than x | caught by: test_nothing_is_changed_and_bad_input_is_refused | visible: passes
def integrated_gradients(f, x, baseline, steps):
    if x.shape != baseline.shape or steps < 1:
        raise ValueError(f"need one shape and steps >= 1, found {x.shape}, {baseline.shape} and {steps}")
    way = (x - baseline).detach()
    total = torch.zeros_like(way)
    with torch.enable_grad():
        for k in range(steps):
            point = (baseline.detach() + (k + 0.5) / steps * way).requires_grad_(True)
            total = total + torch.autograd.grad(f(point), point)[0]
    return (way * total / steps).double()
