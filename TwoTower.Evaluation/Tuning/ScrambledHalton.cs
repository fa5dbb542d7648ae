using TwoTower.Training.Randomness;

namespace TwoTower.Evaluation.Tuning;

/// <summary>
/// Points that fill the unit cube more evenly than random ones, however many are taken: the radical inverses of a number in the first
/// primes (Halton 1960), every digit permuted at random, without which many dimensions go in step (Owen 2017).
/// </summary>
internal sealed class ScrambledHalton
{
    private readonly int[][][] _digits; // [dimensions][places][base]

    /// <summary>A sequence of its own for each seed.</summary>
    public ScrambledHalton(int dimensions, int seed)
    {
        var random = new SeededRandom(seed, RandomPurpose.Tuning);
        _digits = [.. Primes().Take(dimensions).Select(prime => Scrambled(prime, random))];
    }

    /// <summary>[dimensions] the point of a number, each coordinate in [0, 1).</summary>
    public double[] At(long number)
    {
        var point = new double[_digits.Length];
        for (var dimension = 0; dimension < point.Length; dimension++)
        {
            var (rest, weight) = (number, 1.0);
            foreach (var permuted in _digits[dimension])
            {
                weight /= permuted.Length;
                point[dimension] += permuted[rest % permuted.Length] * weight;
                rest /= permuted.Length;
            }
        }

        return point;
    }

    // As many places as leave a double below 1.
    private static int[][] Scrambled(int prime, SeededRandom random)
    {
        var places = new int[(int)(52 / Math.Log2(prime))][];
        for (var place = 0; place < places.Length; place++)
        {
            places[place] = [.. Enumerable.Range(0, prime)];
            random.Shuffle<int>(places[place]);
        }

        return places;
    }

    private static IEnumerable<int> Primes()
    {
        List<int> primes = [];
        for (var number = 2; ; number++)
        {
            if (primes.Exists(prime => number % prime == 0)) continue;
            primes.Add(number);
            yield return number;
        }
    }
}
