# MUTANT 3.14 evaluate.py — left ends of the steps, not midpoints | caught by: test_it_is_the_way_times_the_mean_gradient_at_midpoints | visible: fails
def integrated_gradients(f, x, baseline, steps):
    if x.shape != baseline.shape or steps < 1:
        raise ValueError(f"need one shape and steps >= 1, found {x.shape}, {baseline.shape} and {steps}")
    way = (x - baseline).detach()
    total = torch.zeros_like(way)
    with torch.enable_grad():
        for k in range(steps):
            point = (baseline.detach() + k / steps * way).requires_grad_(True)
            total = total + torch.autograd.grad(f(point), point)[0]
    return way * total / steps
