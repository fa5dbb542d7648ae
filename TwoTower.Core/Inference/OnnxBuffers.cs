using Microsoft.ML.OnnxRuntime;

namespace TwoTower.Core.Inference;

/// <summary>Input and output memory of one run at a time, pinned for its life, with the tensors over it made once.</summary>
internal sealed class OnnxBuffers : IDisposable
{
    private readonly int _rows, _inputDim, _outputDim;
    private readonly float[] _input, _output;
    private readonly OrtValue[] _inputs, _outputs;

    /// <summary>Allocates memory for up to <paramref name="rows"/> rows.</summary>
    public OnnxBuffers(int rows, int inputDim, int outputDim)
    {
        (_rows, _inputDim, _outputDim) = (rows, inputDim, outputDim);
        _input = GC.AllocateUninitializedArray<float>(rows * inputDim, pinned: true);
        _output = GC.AllocateUninitializedArray<float>(rows * outputDim, pinned: true);
        _inputs = [View(_input, rows, inputDim)];
        _outputs = [View(_output, rows, outputDim)];
    }

    /// <summary>Row-major, [rows × inputDim].</summary>
    public Span<float> Input => _input;

    /// <summary>Row-major, [rows × outputDim].</summary>
    public Span<float> Output => _output;

    /// <summary>Runs the network over the first rows.</summary>
    public void Run(InferenceSession session, RunOptions options, string[] inputNames, string[] outputNames, int rows)
    {
        if (rows == _rows)
        {
            session.Run(options, inputNames, _inputs, outputNames, _outputs);
            return;
        }

        using var input = View(_input, rows, _inputDim);
        using var output = View(_output, rows, _outputDim);
        session.Run(options, inputNames, [input], outputNames, [output]);
    }

    public void Dispose()
    {
        _inputs[0].Dispose();
        _outputs[0].Dispose();
    }

    private static OrtValue View(float[] memory, int rows, int columns) =>
        OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, memory.AsMemory(0, rows * columns), [rows, columns]);
}
