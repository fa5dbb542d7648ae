using TwoTower.Evaluation.Results;

namespace TwoTower.Evaluation.Tests;

public class CalibrationTests
{
    [Fact]
    public void Log_loss_and_calibration_error_are_those_worked_out_by_hand()
    {
        // Twenty decisions in ten bins of two: nine bins at probability .5 with a like and a nope each, no error; one at .8 with two likes,
        // off by .2.
        List<(double, bool)> decisions =
            [.. Enumerable.Range(0, 9).SelectMany(_ => new[] { (0.5, true), (0.5, false) }), (0.8, true), (0.8, true)];

        var errors = Calibration.Errors(decisions)!;

        Assert.Equal(20, errors.Decisions);
        Assert.Equal((18 * Math.Log(2) - 2 * Math.Log(0.8)) / 20, errors.LogLoss, 12);
        Assert.Equal(0.02, errors.CalibrationError, 12);
    }

    [Fact]
    public void Bins_that_are_off_in_both_directions_dont_make_up_for_each_other_and_larger_ones_count_more()
    {
        // Eleven decisions: the last of ten bins has two. Nopes at .1 are off by .1, likes at .7 by .3: (5 × .1 + 6 × .3) ÷ 11.
        List<(double, bool)> decisions = [.. Enumerable.Repeat((0.1, false), 5), .. Enumerable.Repeat((0.7, true), 6)];

        Assert.Equal(2.3 / 11, Calibration.Errors(decisions)!.CalibrationError, 12);
        Assert.Equal([1, 1, 1, 1, 1, 1, 1, 1, 1, 2], Calibration.Bin(decisions).Select(bin => bin.Decisions));
    }

    [Fact]
    public void What_is_certain_and_wrong_costs_much_but_not_everything()
    {
        Assert.Equal(-Math.Log(1e-15), Calibration.Errors([(1, false)])!.LogLoss, 9);
        Assert.Null(Calibration.Errors([]));
    }
}
